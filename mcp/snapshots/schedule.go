package snapshots

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// saveTimeout is how long taking and storing one snapshot may last.
const saveTimeout = 30 * time.Second

// Schedule stores snapshots while this node leads. All fields are needed.
type Schedule struct {
	Store    *Store
	Interval time.Duration
	Leads    func() bool                  // whether this node leads
	Take     func() (Info, []byte, error) // returns the present state and its description
	Log      *slog.Logger

	lastIndex atomic.Uint64
}

// LastIndex is the log index of the last snapshot that this node has stored, 0 if there is none.
func (s *Schedule) LastIndex() uint64 { return s.lastIndex.Load() }

// Run stores a snapshot at every interval in which the state has changed, until
// ctx ends. A failure is logged, and the next interval is the next attempt.
func (s *Schedule) Run(ctx context.Context) {
	tick := time.NewTicker(s.Interval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if !s.Leads() {
			continue
		}
		if err := s.save(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("the snapshot was not stored", "error", err)
		}
	}
}

func (s *Schedule) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saveTimeout)
	defer cancel()
	i, state, err := s.Take()
	if err != nil || i.Index == s.lastIndex.Load() {
		return err
	}
	if _, err := s.Store.Save(ctx, i, state); err != nil {
		return err
	}
	s.lastIndex.Store(i.Index)
	return nil
}
