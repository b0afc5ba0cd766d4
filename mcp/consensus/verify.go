package consensus

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/hashicorp/raft"
)

// damaged is the error of a node whose disk cannot be trusted. It does not
// start: an entry that it would serve, or a vote that it would forget, could
// break what the cluster has promised, and the others have all that it had.
func damaged(dir string, err error) error {
	return fmt.Errorf("the data of this node is damaged, so it does not start: %w; "+
		"remedy: replace the node (Admin.Replace), or empty %s, and it fetches everything from the leader", err, filepath.Dir(dir))
}

// verify reads the whole log and the newest snapshot before anything is done
// with them. Lost is the entry up to which the log had been synced when it does
// not reach that far any more, and zero otherwise: see doubt.
//
// An entry in the midst that is not what was stored is an error. A tail that is
// missing is not: a crash tears off what was not yet synced, which nobody was
// promised, and of more than that the mark tells.
func (l *diskLog) verify(snaps *snapshots) (lost place, err error) {
	snapshot, err := snaps.verify()
	if err != nil {
		return lost, damaged(l.dir, err)
	}
	first, ferr := l.FirstIndex()
	last, lerr := l.LastIndex()
	if err := errors.Join(ferr, lerr); err != nil {
		return lost, damaged(l.dir, err)
	}
	if last > 0 && last < snapshot { // cut so short that what follows could not be appended
		if err := l.WAL.DeleteRange(first, last); err != nil {
			return lost, damaged(l.dir, err)
		}
		first, last = 0, 0
	}
	if first > snapshot+1 {
		return lost, damaged(l.dir, fmt.Errorf("entries %d to %d are in neither the log nor a snapshot", snapshot+1, first-1))
	}
	for i := first; i <= last && last > 0; i++ {
		var e raft.Log
		if err := l.GetLog(i, &e); err != nil {
			return lost, damaged(l.dir, err)
		}
	}
	if l.mark.at.index > max(last, snapshot) {
		lost = l.mark.at
	}
	return lost, nil
}
