// Package standby is how a region takes over that has no vote. There are three levels of
// readiness:
//
//	hot   votes: consensus itself continues, and nothing is lost
//	warm  learns the log as it is committed, a moment behind; what has not reached it is lost
//	cold  holds nothing and restores the newest snapshot of the object store; what is younger is lost
//
// A standby that finds all voters dead, while a witness in a third region agrees, starts a
// new epoch of the cluster in which it is the only voter:
//
//	voters die ─► successor suspects all ─► margin ─► successor: data, epoch + 1, restart ─► leads
//	                                                  others: see the epoch, drop their data, learn again
//
// Nodes of different epochs do not speak consensus with each other: when they connect they
// cannot agree on a protocol. So an old voter that comes back can neither commit nor
// disturb; it drops its data and learns. A voter acknowledges only while a node without
// a vote has just answered it, so one that is cut off, or was paused, stops before the
// successor takes over.
package standby

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// Epoch is one life of the cluster's log. A takeover starts the next one.
type Epoch struct {
	Number    uint64 `json:"number"`
	Successor string `json:"heir,omitempty"` // the node that took over and is its first voter; empty in epoch 0
	// Converted is true when the folder's data have been converted to this epoch.
	Converted bool `json:"settled,omitempty"`
}

// Protocol is the name of the protocol that nodes of this epoch speak with each other.
func (e Epoch) Protocol() string { return fmt.Sprintf("raft/%d", e.Number) }

// epochFile has its name and its JSON fields from earlier versions.
const epochFile = "generation.json"

// Load reads the epoch that a data folder belongs to; an empty folder is of epoch 0. A
// damaged file is an error, because the epoch of the data is then unknown.
func Load(dir string) (e Epoch, err error) {
	b, err := checkedfile.Read(filepath.Join(dir, epochFile))
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &e)
	}
	if err != nil {
		return e, fmt.Errorf("read the epoch in %s: %w; remedy: while other nodes are up, move the whole folder away, and this node fetches everything from them", filepath.Join(dir, epochFile), err)
	}
	return e, nil
}

// Save writes the epoch of a data folder. It is on disk when Save returns.
func (e Epoch) Save(dir string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("write epoch %d in %s: %w", e.Number, dir, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return checkedfile.Write(filepath.Join(dir, epochFile), b)
}
