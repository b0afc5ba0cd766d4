package consensus

import (
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// syncLag is how long the defective log keeps an entry in memory before it is
// written and synced.
const syncLag = 300 * time.Millisecond

// lazyLog is the defect ack-before-sync: a log that reports an entry as stored when it
// is in this process's memory, and writes and syncs it later. When all nodes lose
// power at once, what they acknowledged within that lag is lost; what a single node
// loses the others bring back.
type lazyLog struct {
	*diskLog
	mu      sync.Mutex
	waiting []unsyncedEntry // oldest first, without a gap to what is on disk
	err     error           // of the disk, returned by the next StoreLogs
}

// unsyncedEntry is an entry that is not on disk.
type unsyncedEntry struct {
	at    time.Time
	entry *raft.Log
}

var _ raft.MonotonicLogStore = (*lazyLog)(nil)

// install puts the defect into the hooks.
func (l *lazyLog) install(n *Node, h *hooks) {
	start, stop := h.start, h.stop
	h.logStore = func(d *diskLog) raft.LogStore {
		l.diskLog = d
		return l
	}
	h.start = func() {
		start()
		n.work.Go(func() { l.storeLater(n.ctx.Done()) })
	}
	h.stop = func() {
		l.store(0) // a graceful stop loses nothing
		stop()
	}
}

// StoreLogs implements raft.LogStore. It is the defect: nothing is on disk when it returns.
func (l *lazyLog) StoreLogs(logs []*raft.Log) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range logs {
		l.waiting = append(l.waiting, unsyncedEntry{time.Now(), e})
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

// store writes the entries that were given to it at least so long ago.
func (l *lazyLog) store(age time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var due []*raft.Log
	for _, w := range l.waiting {
		if time.Since(w.at) < age {
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

// storeLater writes entries when they are old enough, until done is closed.
func (l *lazyLog) storeLater(done <-chan struct{}) {
	tick := time.NewTicker(defectTick)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			l.store(syncLag)
		case <-done:
			return
		}
	}
}
