package snapshots

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"
)

// saveLimit is how long one snapshot may take.
const saveLimit = 30 * time.Second

// Schedule writes snapshots while this node leads. All fields are needed.
type Schedule struct {
	Store *Store
	Every time.Duration
	Leads func() bool
	Take  func() (Info, []byte, error) // the present state
	Log   *slog.Logger

	last atomic.Uint64 // index
}

// Last is the log index of the last snapshot that this node has stored.
func (s *Schedule) Last() uint64 { return s.last.Load() }

// Run saves a snapshot each time the state has changed, until ctx ends. One
// that fails is told to the log and tried again with the next.
func (s *Schedule) Run(ctx context.Context) {
	tick := time.NewTicker(s.Every)
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
			s.Log.Error("snapshot was not stored", "error", err)
		}
	}
}

func (s *Schedule) save(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, saveLimit)
	defer cancel()
	i, state, err := s.Take()
	if err != nil || i.Index == s.last.Load() {
		return err
	}
	if _, err := s.Store.Save(ctx, i, state); err != nil {
		return err
	}
	s.last.Store(i.Index)
	return nil
}
