package client

import (
	"context"
	"errors"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

const (
	// firstWord is how long a centre may take to begin.
	firstWord = 400 * time.Millisecond
	// silence is how long a centre may then be silent; it beats more often by far.
	silence = 1500 * time.Millisecond
	// homesick is how often a watcher that is not at its best centre looks for a better one.
	homesick = time.Second
	// nobody is the pause after all centres have failed.
	nobody = 100 * time.Millisecond
)

// errStale is why a centre was left: it knows no leader, and another may.
var errStale = errors.New("the centre knows no leader")

// errHome is why a backup was left: the primary is back.
var errHome = errors.New("the primary is back")

// follow watches one centre after the other until ctx ends: the best that
// answers and knows a leader; where none does, the best that answers.
func (s *Settings) follow(ctx context.Context) {
	for ctx.Err() == nil {
		stale := -1 // the best of those that know no leader
		moved := false
		for i := range s.cfg.Centres {
			err := s.watch(ctx, i, false)
			if errors.Is(err, errStale) && stale < 0 {
				stale = i
			}
			if moved = errors.Is(err, errHome); moved || ctx.Err() != nil {
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
		case <-time.After(nobody):
		case <-ctx.Done():
		}
	}
}

// watch follows one centre until its stream ends or another is better. With
// lonely it stays at one that knows no leader, for a while.
func (s *Settings) watch(ctx context.Context, i int, lonely bool) error {
	centre, source := s.cfg.Centres[i], Backup
	if i == 0 {
		source = Primary
	}
	conn, err := s.cfg.To(centre)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(firstWord, cancel)
	defer quiet.Stop()
	stream, err := api.NewSettingsClient(conn).Watch(ctx, &api.SettingWatch{Prefix: s.cfg.Prefix, After: s.known()})
	if err != nil {
		return err
	}
	for looked := time.Now(); ; {
		n, err := stream.Recv()
		if err != nil {
			return err
		}
		quiet.Reset(silence)
		if n.Origin.Stale && !lonely {
			return errStale
		}
		s.hear(centre, source, n)
		if (i == 0 && !lonely) || time.Since(looked) < homesick {
			continue
		}
		if lonely {
			return errStale // the round begins anew
		}
		if looked = time.Now(); s.serves(ctx, s.cfg.Centres[0]) {
			return errHome
		}
	}
}

// known is the revision after which to go on. A first watch asks for
// everything, whatever lies on disk: the platform may have been restored to an earlier one.
func (s *Settings) known() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.copy.Source != Primary && s.copy.Source != Backup {
		return 0
	}
	return s.copy.Revision
}

// serves says whether a centre answers and knows a leader.
func (s *Settings) serves(ctx context.Context, centre string) bool {
	conn, err := s.cfg.To(centre)
	if err != nil {
		return false
	}
	return centreServes(ctx, api.NewSettingsClient(conn))
}

func centreServes(ctx context.Context, c api.SettingsClient) bool {
	ctx, cancel := context.WithTimeout(ctx, firstWord)
	defer cancel()
	r, err := c.List(ctx, &api.SettingList{Prefix: "\x00"}) // of no setting: only who answers counts
	return err == nil && !r.Origin.Stale
}
