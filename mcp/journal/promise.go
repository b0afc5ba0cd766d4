package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
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
	b, err := checkedfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.data)
	}
	if err != nil {
		return nil, fmt.Errorf("read the promised epoch in %s: %w. Remove it only while every other node lives", path, err)
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
	if err := checkedfile.Write(p.path, b); err != nil {
		return fmt.Errorf("promise epoch %d: %w", epoch, err)
	}
	p.data = next
	return nil
}
