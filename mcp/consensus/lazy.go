package consensus

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// unsynced is how long the defective log keeps an entry in memory.
const unsynced = 300 * time.Millisecond

// lazyLog is the defect ack-before-sync: a log that says that an entry is
// stored when it is in this process's memory, and writes and syncs it 300 ms
// later. Whenever all nodes die at once, what they acknowledged that shortly
// before dies with them; one node alone is made good by the others.
type lazyLog struct {
	*diskLog
	mu      sync.Mutex
	waiting []waiting // oldest first, without a gap to the disk
	err     error     // of the disk, for whoever stores next
}

// waiting is an entry that is not on disk.
type waiting struct {
	at    time.Time
	entry *raft.Log
}

var _ raft.MonotonicLogStore = (*lazyLog)(nil)

// StoreLogs implements raft.LogStore, and this is the defect.
func (l *lazyLog) StoreLogs(logs []*raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range logs {
		l.waiting = append(l.waiting, waiting{time.Now(), e})
	}
	return l.err
}

// StoreLog implements raft.LogStore.
func (l *lazyLog) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

// GetLog implements raft.LogStore.
func (l *lazyLog) GetLog(index uint64, e *raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.waiting) > 0 {
		if first := l.waiting[0].entry.Index; index >= first && index-first < uint64(len(l.waiting)) {
			*e = *l.waiting[index-first].entry
			return nil
		}
	}
	return l.diskLog.GetLog(index, e)
}

// FirstIndex implements raft.LogStore.
func (l *lazyLog) FirstIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, err := l.diskLog.FirstIndex()
	if err == nil && first == 0 && len(l.waiting) > 0 {
		first = l.waiting[0].entry.Index
	}
	return first, err
}

// LastIndex implements raft.LogStore.
func (l *lazyLog) LastIndex() (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.waiting); n > 0 {
		return l.waiting[n-1].entry.Index, nil
	}
	return l.diskLog.LastIndex()
}

// DeleteRange implements raft.LogStore.
func (l *lazyLog) DeleteRange(first, last uint64) error {
	l.store(0)
	return errors.Join(l.failed(), l.diskLog.DeleteRange(first, last))
}

// store writes what has waited for that long.
func (l *lazyLog) store(waited time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []*raft.Log
	for _, w := range l.waiting {
		if time.Since(w.at) < waited {
			break
		}
		due = append(due, w.entry)
	}
	if l.err = errors.Join(l.err, l.diskLog.StoreLogs(due)); l.err == nil {
		l.waiting = l.waiting[len(due):]
	}
}

func (l *lazyLog) failed() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// storeLater stores until the node closes.
func (n *Node) storeLater() {
	tick := time.NewTicker(shipEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			n.lazy.store(unsynced)
		case <-n.ctx.Done():
			return
		}
	}
}
