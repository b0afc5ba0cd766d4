package cleanup

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// Running is a run that another process of this user is carrying out on this machine.
type Running struct {
	Run   string
	PID   int
	Since time.Time
}

// UnderWay lists these runs, the oldest first. Those of the present process are left out, and so are those whose
// owner is gone, cannot be seen from here, or belongs to another user.
func UnderWay() ([]Running, error) {
	runs, err := Runs()
	if err != nil {
		return nil, err
	}
	var out []Running
	for _, run := range runs {
		dir, err := runDir(run)
		if err != nil {
			continue
		}
		owner := filepath.Join(dir, ownerFile)
		is, err := os.Stat(owner)
		if err != nil {
			continue // it has just begun, or ended
		}
		text, err := os.ReadFile(owner)
		if err != nil {
			continue
		}
		id, err := ParseOwner(string(text))
		if err != nil || id == Self() || id.Liveness() != Alive || !isLocked(dir) {
			continue
		}
		pid, err := strconv.Atoi(id.pid)
		if err != nil {
			continue
		}
		out = append(out, Running{run, pid, is.ModTime()})
	}
	slices.SortFunc(out, func(a, b Running) int { return a.Since.Compare(b.Since) })
	return out, nil
}

// TurnFile is locked, with flock(2), by the process of this user whose run is next to begin on this machine.
func TurnFile() string { return filepath.Join(filepath.Dir(runsDir()), "turn.lock") }
