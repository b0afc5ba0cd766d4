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

// lastGood is the last good copy of the settings as it lies on disk: a line
// with the checksum of what follows, then JSON. It is written beside the one
// before and renamed, and that one is kept, so that at every instant at least one whole
// copy is there. A copy whose checksum does not fit is refused, never repaired.
type lastGood struct {
	Revision uint64             `json:"revision"`
	Told     time.Time          `json:"told"` // by a centre
	Settings map[string]setting `json:"settings"`
}

type setting struct {
	Value    string `json:"value"`
	Revision uint64 `json:"revision"`
}

const (
	goodHeader = "settings sha256:"
	before     = ".before" // the copy before the last
)

// save puts the copy in the place of the one before.
func (g lastGood) save(path string) error {
	body, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	sum := sha256.Sum256(body)
	f, err := os.Create(path + ".new")
	if err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s%s\n%s", goodHeader, hex.EncodeToString(sum[:]), body)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := os.Rename(path, path+before); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("save settings: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("save settings: %w", err)
	}
	return syncFolder(filepath.Dir(path))
}

// syncFolder makes renames in a folder last.
func syncFolder(path string) error {
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

// loadLastGood reads the copy, or the one before when that is torn. The error
// says why one was passed over, and may come with a copy; found says whether it does.
func loadLastGood(path string) (g lastGood, found bool, err error) {
	for _, p := range []string{path, path + before} {
		one, oneErr := readGood(p)
		if oneErr == nil {
			return one, true, err
		}
		if !errors.Is(oneErr, fs.ErrNotExist) {
			err = errors.Join(err, oneErr)
		}
	}
	return lastGood{}, false, err
}

func readGood(path string) (g lastGood, err error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return g, fmt.Errorf("load settings: %w", err)
	}
	head, body, _ := bytes.Cut(data, []byte("\n"))
	sum := sha256.Sum256(body)
	if string(head) != goodHeader+hex.EncodeToString(sum[:]) {
		return g, fmt.Errorf("load settings: %s is torn: its checksum does not fit", path)
	}
	if err := json.Unmarshal(body, &g); err != nil {
		return g, fmt.Errorf("load settings: %s: %w", path, err)
	}
	return g, nil
}
