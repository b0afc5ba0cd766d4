package consensus

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// damageError is the error of a node whose disk cannot be trusted. It does not start: an
// entry that it would serve, or a vote that it has forgotten, could break what the
// cluster has promised, and the other nodes have all that it had.
func damageError(dir string, err error) error {
	return fmt.Errorf("the data of this node is damaged, so it does not start: %w; "+
		"remedy: replace the node (Admin.Replace), or empty %s, and it fetches everything from the leader", err, filepath.Dir(dir))
}

// verify reads the whole log and the newest snapshot before they are used. Lost is the
// entry up to which the log had been synced if it does not reach that far any more, and
// zero otherwise, see lostTailGuard.
//
// An entry in the middle that is not what was stored is an error. A missing tail is not:
// a crash tears off what was not synced yet, which nobody has relied on, and if more than
// that is missing the watermark shows it.
func (l *diskLog) verify(snaps *snapshotStore) (lost logPosition, err error) {
	snapshot, err := snaps.verify()
	if err != nil {
		return lost, damageError(l.dir, err)
	}
	first, ferr := l.FirstIndex()
	last, lerr := l.LastIndex()
	if err := errors.Join(ferr, lerr); err != nil {
		return lost, damageError(l.dir, err)
	}
	if last > 0 && last < snapshot { // too short for the next entries to be appended
		if err := l.WAL.DeleteRange(first, last); err != nil {
			return lost, damageError(l.dir, err)
		}
		first, last = 0, 0
	}
	if first > snapshot+1 {
		return lost, damageError(l.dir, fmt.Errorf("entries %d to %d are in neither the log nor a snapshot", snapshot+1, first-1))
	}
	for i := first; i <= last && last > 0; i++ {
		var e raft.Log
		if err := l.GetLog(i, &e); err != nil {
			return lost, damageError(l.dir, err)
		}
	}
	if l.watermark.at.index > max(last, snapshot) {
		lost = l.watermark.at
	}
	return lost, nil
}
