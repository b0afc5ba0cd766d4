package client

import (
	"context"
	"errors"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

const (
	// firstMessageTimeout is how long a server may take to send its first message.
	firstMessageTimeout = 400 * time.Millisecond
	// idleTimeout is how long a server may then be silent. It sends a heartbeat far more often.
	idleTimeout = 1500 * time.Millisecond
	// failbackInterval is how often a watcher that is at a backup checks the primary.
	failbackInterval = time.Second
	// watchRetryInterval is the pause after all servers have failed.
	watchRetryInterval = 100 * time.Millisecond
)

// errStale ends the watch of a server that knows no leader, because another may know one.
var errStale = errors.New("the config server knows no leader")

// errPrimaryBack ends the watch of a backup when the primary serves again.
var errPrimaryBack = errors.New("the primary is back")

// watchLoop watches one server after the other until ctx ends: the first in order that
// answers and knows a leader, or, if none does, the first that answers.
func (s *Settings) watchLoop(ctx context.Context) {
	for ctx.Err() == nil {
		stale := -1 // index of the first server that knows no leader
		moved := false
		for i := range s.cfg.Servers {
			err := s.watch(ctx, i, false)
			if errors.Is(err, errStale) && stale < 0 {
				stale = i
			}
			if moved = errors.Is(err, errPrimaryBack); moved || ctx.Err() != nil {
				break
			}
		}
		if stale >= 0 && !moved {
			_ = s.watch(ctx, stale, true)
		}
		if moved {
			continue
		}
		select {
		case <-time.After(watchRetryInterval):
		case <-ctx.Done():
		}
	}
}

// watch watches one server until its stream ends or another is better. With acceptStale
// it stays for a while at a server that knows no leader.
func (s *Settings) watch(ctx context.Context, i int, acceptStale bool) error {
	server, source := s.cfg.Servers[i], Backup
	if i == 0 {
		source = Primary
	}
	conn, err := s.cfg.Conn(server)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	idle := time.AfterFunc(firstMessageTimeout, cancel)
	defer idle.Stop()
	stream, err := api.NewSettingsClient(conn).Watch(ctx, &api.SettingWatch{Prefix: s.cfg.Prefix, After: s.afterRevision()})
	if err != nil {
		return err
	}
	for checked := time.Now(); ; {
		n, err := stream.Recv()
		if err != nil {
			return err
		}
		idle.Reset(idleTimeout)
		if n.Origin.Stale && !acceptStale {
			return errStale
		}
		s.apply(server, source, n)
		if (i == 0 && !acceptStale) || time.Since(checked) < failbackInterval {
			continue
		}
		if acceptStale {
			return errStale // all servers are tried again
		}
		if checked = time.Now(); s.serves(ctx, s.cfg.Servers[0]) {
			return errPrimaryBack
		}
	}
}

// afterRevision is the revision after which a watch goes on. The first watch asks for
// everything, whatever is on disk, because the platform may have been restored to an
// earlier revision.
func (s *Settings) afterRevision() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy.Source != Primary && s.copy.Source != Backup {
		return 0
	}
	return s.copy.Revision
}

// serves reports whether a server answers and knows a leader.
func (s *Settings) serves(ctx context.Context, server string) bool {
	conn, err := s.cfg.Conn(server)
	if err != nil {
		return false
	}
	return configServerServes(ctx, api.NewSettingsClient(conn))
}

func configServerServes(ctx context.Context, c api.SettingsClient) bool {
	ctx, cancel := context.WithTimeout(ctx, firstMessageTimeout)
	defer cancel()
	r, err := c.List(ctx, &api.SettingList{Prefix: "\x00"}) // a prefix that no setting has: only the origin of the answer matters
	return err == nil && !r.Origin.Stale
}
