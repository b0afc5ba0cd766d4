// Package standby is how a region takes over that is not in the quorum. There
// are three levels of readiness:
//
//	hot   votes: consensus itself carries on, and nothing is lost
//	warm  learns the log as it is committed, a moment behind; what had not reached it is lost
//	cold  holds nothing; restores the newest snapshot of the object store; what is younger is lost
//
// A standby that finds all voters dead, with a witness of a third region
// agreeing, begins a new generation of the cluster in which it is the only voter:
//
//	voters die ─► heir suspects them all ─► margin ─► heir: data, generation + 1, restart ─► leads
//	                                                  others: see the generation, drop their data, learn anew
//
// Nodes of different generations do not speak consensus with each other (they
// fail to agree on a protocol when they connect), so an old voter that comes
// back can neither commit nor disturb; it drops what it holds and learns.
// A voter acknowledges only while a node that does not vote has just answered it,
// so one that is cut off, or was paused, stops before the heir takes over.
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

// Epoch is one life of the cluster's log. A takeover begins the next.
type Epoch struct {
	Number    uint64 `json:"number"`
	Successor string `json:"heir,omitempty"` // the node that took over, the first voter; empty in generation 0
	// Settled says that the folder's data are of this generation.
	Settled bool `json:"settled,omitempty"`
}

// Protocol is what nodes of this generation speak.
func (g Epoch) Protocol() string { return fmt.Sprintf("raft/%d", g.Number) }

const file = "generation.json"

// Load reads the generation that a data folder belongs to; an empty folder is
// of generation 0. A damaged note is an error: which life its data are of is not known.
func Load(dir string) (g Epoch, err error) {
	b, err := checkedfile.Read(filepath.Join(dir, file))
	if errors.Is(err, fs.ErrNotExist) {
		return g, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &g)
	}
	if err != nil {
		return g, fmt.Errorf("read the generation in %s: %w. Move the whole folder away while other nodes live: the node then fetches everything from them", filepath.Join(dir, file), err)
	}
	return g, nil
}

// Save notes the generation of a data folder, durably.
func (g Epoch) Save(dir string) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("note generation %d in %s: %w", g.Number, dir, err)
		}
	}()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(g)
	if err != nil {
		return err
	}
	return checkedfile.Write(filepath.Join(dir, file), b)
}
