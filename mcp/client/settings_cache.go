package client

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// settingsCache is the copy of the settings on disk: a line with the checksum of what
// follows, then JSON. The previous copy is kept under another name before a new one is
// written, so that there is an undamaged copy at any time. A copy whose checksum does not
// match is not used.
type settingsCache struct {
	Revision    uint64                   `json:"revision"`
	ConfirmedAt time.Time                `json:"confirmed_at"` // when a config server last sent it
	Settings    map[string]cachedSetting `json:"settings"`
}

type cachedSetting struct {
	Value    string `json:"value"`
	Revision uint64 `json:"revision"`
}

const (
	cacheHeader    = "settings sha256:"
	previousSuffix = ".before" // of the file with the previous copy
)

// save replaces the copy on disk.
func (g settingsCache) save(path string) error {
	body, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	sum := sha256.Sum256(body)
	if err := os.Rename(path, path+previousSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save settings: %w", err)
	}
	content := fmt.Appendf(nil, "%s%s\n%s", cacheHeader, hex.EncodeToString(sum[:]), body)
	if err := durable.WriteFile(path, content, 0o666); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return nil
}

// loadSettingsCache reads the copy, or the previous one if the copy is damaged. found
// reports whether there is one. Even then err may be set: it is why a copy was not used.
func loadSettingsCache(path string) (g settingsCache, found bool, err error) {
	for _, p := range []string{path, path + previousSuffix} {
		g, readErr := readSettingsCache(p)
		if readErr == nil {
			return g, true, err
		}
		if !errors.Is(readErr, fs.ErrNotExist) {
			err = errors.Join(err, readErr)
		}
	}
	return settingsCache{}, false, err
}

func readSettingsCache(path string) (g settingsCache, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return g, fmt.Errorf("load settings: %w", err)
	}
	header, body, _ := bytes.Cut(data, []byte("\n"))
	sum := sha256.Sum256(body)
	if string(header) != cacheHeader+hex.EncodeToString(sum[:]) {
		return g, fmt.Errorf("load settings: %s is damaged: its checksum does not match", path)
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return g, fmt.Errorf("load settings: %s: %w", path, err)
	}
	return g, nil
}
