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
	"path/filepath"
	"time"
)

// settingsCache is the copy of the settings on disk: a line with the checksum of what
// follows, then JSON. A new copy is written to a temporary file and renamed, and the
// previous one is kept, so that there is an undamaged copy at any time. A copy whose
// checksum does not match is not used.
type settingsCache struct {
	Revision    uint64                   `json:"revision"`
	ConfirmedAt time.Time                `json:"told"` // when a config server last sent it
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
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s%s\n%s", cacheHeader, hex.EncodeToString(sum[:]), body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := os.Rename(path, path+previousSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

// syncDir syncs a directory, so that renames in it survive a crash.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
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
