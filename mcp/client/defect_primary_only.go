package client

import (
	"fmt"
	"time"
)

// primaryOnlyStartTimeout is StartTimeout under PrimaryOnly, where there is nothing to
// fall back to.
const primaryOnlyStartTimeout = 10 * time.Second

// SettingsDefects are faults that a service is started with on purpose, so that whoever
// tests it can check that the test notices. A sound service has none.
type SettingsDefects struct {
	// PrimaryOnly makes Settings use neither a backup nor the copy on disk, so that a
	// service does not start without the primary.
	PrimaryOnly bool
}

// configure restricts a configuration, and returns how long to wait for a config server.
func (d SettingsDefects) configure(cfg *SettingsConfig) (timeout time.Duration) {
	if !d.PrimaryOnly {
		return StartTimeout
	}
	cfg.Servers, cfg.CacheFile = cfg.Servers[:1], ""
	return primaryOnlyStartTimeout
}

// noServer returns the error with which a start fails when no config server answers. In
// a sound service there is none.
func (d SettingsDefects) noServer(cfg SettingsConfig) error {
	if !d.PrimaryOnly {
		return nil
	}
	return fmt.Errorf("open settings: the config server %s does not answer", cfg.Servers[0])
}
