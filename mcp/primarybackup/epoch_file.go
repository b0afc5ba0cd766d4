package primarybackup

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// epochFile holds the epoch that a node has promised, across restarts. The node
// refuses the primaries of older epochs, so its copy does not change after it has
// reported the end of it to a leader that promotes a primary.
type epochFile struct {
	path     string
	promised epochRecord
}

type epochRecord struct {
	Epoch uint64 `json:"epoch"`
}

func openEpochFile(path string) (*epochFile, error) {
	p := &epochFile{path: path}
	b, err := checkedfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &p.promised)
	}
	if err != nil {
		return nil, fmt.Errorf("read the promised epoch in %s: %w. Remove the file only while every other node is up", path, err)
	}
	return p, nil
}

// raise promises an epoch, which is on disk when it returns. An older epoch changes nothing.
func (p *epochFile) raise(epoch uint64) error {
	if epoch <= p.promised.Epoch {
		return nil
	}
	next := epochRecord{Epoch: epoch}
	b, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if err := checkedfile.Write(p.path, b); err != nil {
		return fmt.Errorf("promise epoch %d: %w", epoch, err)
	}
	p.promised = next
	return nil
}
