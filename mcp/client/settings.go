package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Source is where a copy of the settings comes from.
type Source string

// The sources, best first.
const (
	Primary Source = "primary" // the main region's centre
	Backup  Source = "backup"  // another region's
	Disk    Source = "disk"    // what a centre last said before this start
	Default Source = "default" // nothing: the service goes by what is built in
)

// SettingsConfig is how a service finds its settings.
type SettingsConfig struct {
	// To connects to a node by name; the connections are the caller's to close.
	To func(node string) (*grpc.ClientConn, error)
	// Centres are the nodes to ask: the main region's centre, then the backups.
	Centres []string
	// Prefix is of the keys wanted; empty means all.
	Prefix string
	// File is where the last good copy is kept; empty keeps none.
	File string
	// Note is told of each copy that differs from the one before in values or
	// source, one after the other. It must not block; nil means that nobody cares.
	Note func(Copy)
	// PrimaryOnly switches a defect on: neither backup nor disk is known, and
	// without the primary there is no start.
	PrimaryOnly bool
}

// Copy is the settings as a service has them.
type Copy struct {
	Values   map[string]string
	Revision uint64 // of the log, up to which it goes; 0 for Default
	Source   Source
	Centre   string    // the node that told it last, unless it is from disk
	Stale    bool      // that node knew no leader
	Told     time.Time // when a centre last said that it is so; zero for Default
	// OnDisk is what is wrong with the copy on disk: it was torn and passed over, or
	// could not be written. Nil when nothing is.
	OnDisk error
}

// Age is how long ago a centre last said that it is so.
func (c Copy) Age() time.Duration {
	if c.Told.IsZero() {
		return 0
	}
	return time.Since(c.Told)
}

// Patience is how long a start waits for a centre before it takes what is on disk.
const Patience = 2 * time.Second

// primaryPatience is the same under PrimaryOnly, where there is nothing else.
const primaryPatience = 10 * time.Second

// Settings keeps a service's copy up to date. Create it with OpenSettings, end it with Close.
type Settings struct {
	cfg  SettingsConfig
	stop context.CancelFunc
	work sync.WaitGroup
	save chan struct{} // holds one when the copy on disk is behind

	mu      sync.Mutex
	kept    map[string]*api.Setting
	copy    Copy          // without Values
	opened  bool          // a source was chosen
	changed chan struct{} // closed and replaced at each news
	saved   time.Time

	told sync.Mutex // held while Note runs, so that it hears in order
}

// OpenSettings finds the settings and goes on watching them: at the primary,
// else at a backup, else from the last good copy, else there are none and the
// service goes by what is built in. So it never fails for want of a centre (but see
// PrimaryOnly); what it found is in Copy.
func OpenSettings(ctx context.Context, cfg SettingsConfig) (*Settings, error) {
	if cfg.To == nil || len(cfg.Centres) == 0 {
		return nil, errors.New("open settings: it needs a way to connect and the names of configuration centres")
	}
	patience := Patience
	if cfg.PrimaryOnly {
		cfg.Centres, cfg.File, patience = cfg.Centres[:1], "", primaryPatience
	}
	s := &Settings{cfg: cfg, save: make(chan struct{}, 1), kept: map[string]*api.Setting{}, changed: make(chan struct{})}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.follow(working) })
	if cfg.File != "" {
		s.work.Go(func() { s.keep(working) })
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if s.await(ctx, func() bool { return s.opened }) == nil {
		return s, nil
	}
	if cfg.PrimaryOnly {
		s.Close()
		return nil, fmt.Errorf("open settings: the configuration centre %s does not answer", cfg.Centres[0])
	}
	s.fallBack()
	return s, nil
}

// fallBack takes the last good copy, unless a centre has answered meanwhile.
func (s *Settings) fallBack() {
	var good lastGood
	var found bool
	var refused error
	if s.cfg.File != "" {
		good, found, refused = loadLastGood(s.cfg.File)
	}
	s.adopt(func() (news bool) {
		if s.opened {
			return false
		}
		s.opened, s.copy = true, Copy{Source: Default, OnDisk: refused}
		if found {
			s.copy = Copy{Source: Disk, Revision: good.Revision, Told: good.Told, OnDisk: refused}
			for k, v := range good.Settings {
				s.kept[k] = &api.Setting{Key: k, Value: v.Value, Revision: v.Revision}
			}
		}
		return true
	})
}

// Close ends the watch and writes the copy to disk if that is behind.
func (s *Settings) Close() {
	s.stop()
	s.work.Wait()
}

// Copy returns the present copy.
func (s *Settings) Copy() Copy {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.snapshot()
}

// snapshot is Copy; the caller holds the lock.
func (s *Settings) snapshot() Copy {
	c := s.copy
	c.Values = make(map[string]string, len(s.kept))
	for k, v := range s.kept {
		c.Values[k] = v.Value
	}
	return c
}

// Get returns a setting of the copy, nil when there is none, and the revision
// up to which the copy goes.
func (s *Settings) Get(key string) (found *api.Setting, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kept[key], s.copy.Revision
}

// Wait returns once the copy goes up to a revision.
func (s *Settings) Wait(ctx context.Context, revision uint64) error {
	return s.await(ctx, func() bool { return s.copy.Revision >= revision })
}

// await waits for a condition on the copy, which is looked at under the lock.
func (s *Settings) await(ctx context.Context, holds func() bool) error {
	for {
		s.mu.Lock()
		done, changed, at := holds(), s.changed, s.copy.Revision
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for settings, at revision %d: %w", at, ctx.Err())
		}
	}
}

// adopt changes the copy and tells of it when that was news.
func (s *Settings) adopt(change func() (news bool)) {
	s.told.Lock()
	defer s.told.Unlock()
	s.mu.Lock()
	news := change()
	close(s.changed)
	s.changed = make(chan struct{})
	c := s.snapshot()
	s.mu.Unlock()
	if news && s.cfg.Note != nil {
		s.cfg.Note(c)
	}
}

// hear takes what a centre told.
func (s *Settings) hear(centre string, source Source, n *api.SettingNews) {
	s.adopt(func() bool {
		revision := max(s.copy.Revision, n.Origin.Revision) // a centre may lag behind
		if n.Whole {
			revision = n.Origin.Revision
		}
		news := !s.opened || s.copy.Source != source || s.copy.Stale != n.Origin.Stale
		fresh := map[string]*api.Setting{}
		if n.Whole {
			news = news || len(n.Changes) != len(s.kept)
		} else {
			maps.Copy(fresh, s.kept)
		}
		for _, c := range n.Changes {
			if was := s.kept[c.Key]; was == nil || was.Revision != c.Revision {
				news = true
			}
			if c.Deleted {
				delete(fresh, c.Key)
			} else {
				fresh[c.Key] = c
			}
		}
		s.kept, s.opened = fresh, true
		s.copy = Copy{Revision: revision, Source: source, Centre: centre, Stale: n.Origin.Stale, Told: time.Now(), OnDisk: s.copy.OnDisk}
		if news || time.Since(s.saved) > saveAtLeast {
			s.saved = time.Now()
			select {
			case s.save <- struct{}{}:
			default: // it is to be saved already
			}
		}
		return news
	})
}

const (
	// saveAtLeast is how often the copy on disk is renewed when nothing changes, for its age.
	saveAtLeast = 10 * time.Second
	// saveAtMost is the pause between two writes to disk.
	saveAtMost = 200 * time.Millisecond
)

// keep writes the copy to disk whenever it is behind.
func (s *Settings) keep(ctx context.Context) {
	for {
		select {
		case <-s.save:
			s.write()
		case <-ctx.Done():
			select {
			case <-s.save:
				s.write()
			default:
			}
			return
		}
		select {
		case <-time.After(saveAtMost):
		case <-ctx.Done():
		}
	}
}

// write saves the copy. A disk that refuses it costs the fallback, not the service: the
// copy before stays, and the next change tries again.
func (s *Settings) write() {
	s.mu.Lock()
	g := lastGood{Revision: s.copy.Revision, Told: s.copy.Told, Settings: map[string]setting{}}
	for k, v := range s.kept {
		g.Settings[k] = setting{v.Value, v.Revision}
	}
	s.mu.Unlock()
	err := g.save(s.cfg.File)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copy.OnDisk = err
}
