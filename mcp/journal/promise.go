package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// promise is the epoch that a node has promised to obey, kept across restarts: it
// refuses primaries of older ones, so that what it told an arbitration of its
// copy stays true.
type promise struct {
	path string
	data promised
}

type promised struct {
	Epoch uint64 `json:"epoch"`
}

func openPromise(path string) (*promise, error) {
	p := &promise{path: path}
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.data)
	}
	if err != nil {
		return nil, fmt.Errorf("read the promised epoch: %w: remove %s only if every other node lives", err, path)
	}
	return p, nil
}

// raise promises an epoch, on disk before it returns.
func (p *promise) raise(epoch uint64) error {
	if epoch <= p.data.Epoch {
		return nil
	}
	next := promised{Epoch: epoch}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := replace(p.path, b); err != nil {
		return fmt.Errorf("promise epoch %d: %w", epoch, err)
	}
	p.data = next
	return nil
}

// replace puts a new file in the place of an old one: after a crash it is
// whole, whichever it is.
func replace(path string, b []byte) error {
	f, err := os.Create(path + ".new")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
