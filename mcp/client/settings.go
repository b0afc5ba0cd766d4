package client

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Source is where a copy of the settings comes from.
type Source string

// The sources, best first.
const (
	Primary Source = "primary" // the main region's config server
	Backup  Source = "backup"  // another region's config server
	Disk    Source = "disk"    // the copy that was stored before the service started
	Default Source = "default" // there is none: the service uses its built-in values
)

// SettingsConfig is how a service finds its settings.
type SettingsConfig struct {
	// Conn returns a connection to a node. The caller closes the connections.
	Conn func(node string) (*grpc.ClientConn, error)
	// Servers are the config servers: the main region's, then the backups.
	Servers []string
	// Prefix is that of the keys to watch. Empty means all keys.
	Prefix string
	// CacheFile is where a copy is stored on disk. Empty stores none.
	CacheFile string
	// OnChange is called with each copy that differs from the one before in values or
	// source, one after the other. It must not block. It may be nil.
	OnChange func(Copy)
	Defects  SettingsDefects
}

// Copy is a service's copy of the settings.
type Copy struct {
	Values      map[string]string
	Revision    uint64 // the log index up to which the copy contains all changes; 0 for Default
	Source      Source
	Server      string    // the node that sent it, "" for Disk and Default
	Stale       bool      // that node knew no leader
	ConfirmedAt time.Time // when a config server last sent or confirmed it; zero for Default
	// CacheErr is what is wrong with the copy on disk: it was damaged and not used, or could
	// not be written. Nil if nothing is.
	CacheErr error
}

// Age is how long ago a config server last sent or confirmed the copy; 0 for Default.
func (c Copy) Age() time.Duration {
	if c.ConfirmedAt.IsZero() {
		return 0
	}
	return time.Since(c.ConfirmedAt)
}

// StartTimeout is how long OpenSettings waits for a config server before it uses the copy on disk.
const StartTimeout = 2 * time.Second

// Settings keeps a service's copy of the settings up to date. Create it with OpenSettings,
// end it with Close.
type Settings struct {
	cfg   SettingsConfig
	stop  context.CancelFunc
	work  sync.WaitGroup
	dirty chan struct{} // holds one element while the copy on disk is out of date

	mu       sync.Mutex
	settings map[string]*api.Setting
	copy     Copy // without Values
	ready    bool // copy has a source
	changed  broadcast.Signal
	savedAt  time.Time

	notifyMu sync.Mutex // held while OnChange runs, so that its calls are in order
}

// OpenSettings gets the settings from the primary, or from a backup, or from the copy on
// disk, in this order, and goes on watching them. If there is none of these, the service
// uses its built-in values. So it does not fail when no config server answers. Copy
// returns what it found.
func OpenSettings(ctx context.Context, cfg SettingsConfig) (*Settings, error) {
	if cfg.Conn == nil || len(cfg.Servers) == 0 {
		return nil, errors.New("open settings: the configuration needs Conn and Servers")
	}
	timeout := cfg.Defects.configure(&cfg)
	s := &Settings{cfg: cfg, dirty: make(chan struct{}, 1), settings: map[string]*api.Setting{}}
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	s.work.Go(func() { s.watchLoop(working) })
	if cfg.CacheFile != "" {
		s.work.Go(func() { s.saveLoop(working) })
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if s.await(ctx, func() bool { return s.ready }) == nil {
		return s, nil
	}
	if err := cfg.Defects.noServer(cfg); err != nil {
		s.Close()
		return nil, err
	}
	s.fallBack()
	return s, nil
}

// fallBack uses the copy on disk, unless a config server has answered meanwhile.
func (s *Settings) fallBack() {
	var cached settingsCache
	var found bool
	var cacheErr error
	if s.cfg.CacheFile != "" {
		cached, found, cacheErr = loadSettingsCache(s.cfg.CacheFile)
	}
	s.update(func() (changed bool) {
		if s.ready {
			return false
		}
		s.ready, s.copy = true, Copy{Source: Default, CacheErr: cacheErr}
		if found {
			s.copy = Copy{Source: Disk, Revision: cached.Revision, ConfirmedAt: cached.ConfirmedAt, CacheErr: cacheErr}
			for k, v := range cached.Settings {
				s.settings[k] = &api.Setting{Key: k, Value: v.Value, Revision: v.Revision}
			}
		}
		return true
	})
}

// Close ends the watch, and writes the copy to disk if that is out of date.
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

// snapshot is Copy. The caller holds the lock.
func (s *Settings) snapshot() Copy {
	c := s.copy
	c.Values = make(map[string]string, len(s.settings))
	for k, v := range s.settings {
		c.Values[k] = v.Value
	}
	return c
}

// Get returns a setting of the copy, or nil if there is none, and the copy's revision.
func (s *Settings) Get(key string) (found *api.Setting, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.settings[key], s.copy.Revision
}

// Wait returns once the copy has reached a revision.
func (s *Settings) Wait(ctx context.Context, revision uint64) error {
	return s.await(ctx, func() bool { return s.copy.Revision >= revision })
}

// await waits for a condition, which is called with the lock held.
func (s *Settings) await(ctx context.Context, condition func() bool) error {
	for {
		s.mu.Lock()
		done, changed, revision := condition(), s.changed.Next(), s.copy.Revision
		s.mu.Unlock()
		if done {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for settings, at revision %d: %w", revision, ctx.Err())
		}
	}
}

// update changes the copy, with the lock held, and calls OnChange if change returns true.
func (s *Settings) update(change func() (changed bool)) {
	s.notifyMu.Lock()
	defer s.notifyMu.Unlock()
	s.mu.Lock()
	changed := change()
	s.changed.Broadcast()
	c := s.snapshot()
	s.mu.Unlock()
	if changed && s.cfg.OnChange != nil {
		s.cfg.OnChange(c)
	}
}

// apply applies a message of a config server.
func (s *Settings) apply(server string, source Source, n *api.SettingNews) {
	s.update(func() bool {
		revision := max(s.copy.Revision, n.Origin.Revision) // the server may lag behind
		if n.Whole {
			revision = n.Origin.Revision
		}
		changed := !s.ready || s.copy.Source != source || s.copy.Stale != n.Origin.Stale
		settings := map[string]*api.Setting{}
		if n.Whole {
			changed = changed || len(n.Changes) != len(s.settings)
		} else {
			maps.Copy(settings, s.settings)
		}
		for _, c := range n.Changes {
			if was := s.settings[c.Key]; was == nil || was.Revision != c.Revision {
				changed = true
			}
			if c.Deleted {
				delete(settings, c.Key)
			} else {
				settings[c.Key] = c
			}
		}
		s.settings, s.ready = settings, true
		s.copy = Copy{Revision: revision, Source: source, Server: server, Stale: n.Origin.Stale, ConfirmedAt: time.Now(), CacheErr: s.copy.CacheErr}
		if changed || time.Since(s.savedAt) > maxSaveInterval {
			s.savedAt = time.Now()
			select {
			case s.dirty <- struct{}{}:
			default:
			}
		}
		return changed
	})
}

const (
	// maxSaveInterval is how often the copy on disk is written when nothing changes, so that
	// its ConfirmedAt stays recent.
	maxSaveInterval = 10 * time.Second
	// minSaveInterval is the shortest time between two writes to disk.
	minSaveInterval = 200 * time.Millisecond
)

// saveLoop writes the copy to disk whenever that is out of date.
func (s *Settings) saveLoop(ctx context.Context) {
	for {
		select {
		case <-s.dirty:
			s.saveCache()
		case <-ctx.Done():
			select {
			case <-s.dirty:
				s.saveCache()
			default:
			}
			return
		}
		select {
		case <-time.After(minSaveInterval):
		case <-ctx.Done():
		}
	}
}

// saveCache writes the copy to disk. If that fails, the service goes on, the previous copy
// stays, and the next change tries again.
func (s *Settings) saveCache() {
	s.mu.Lock()
	g := settingsCache{Revision: s.copy.Revision, ConfirmedAt: s.copy.ConfirmedAt, Settings: map[string]cachedSetting{}}
	for k, v := range s.settings {
		g.Settings[k] = cachedSetting{v.Value, v.Revision}
	}
	s.mu.Unlock()
	err := g.save(s.cfg.CacheFile)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.copy.CacheErr = err
}
