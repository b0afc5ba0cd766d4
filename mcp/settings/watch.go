package settings

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Beat is how often a watcher hears at least: by it the watcher knows that the
// centre lives, and how far what it was told goes.
const Beat = 200 * time.Millisecond

// Watch tells what there is and then each change, until the watcher goes or
// the node stops. What it tells follows from the log and from what the watcher
// says it knows, not from this stream: hence any centre can go on where another
// one left off.
func (s *Server) Watch(r *api.SettingWatch, to grpc.ServerStreamingServer[api.SettingNews]) error {
	if !s.Centre {
		return s.noCentre()
	}
	beat := time.NewTicker(Beat)
	defer beat.Stop()
	known, due := r.After, true
	for {
		st := s.Store.Committed()
		_, more := st.Applied() // before reading, so that no change falls between
		changes, whole, index := st.SettingsAfter(r.Prefix, known)
		if due || len(changes) > 0 {
			n := &api.SettingNews{Changes: tell(changes), Whole: whole, Origin: s.origin()}
			n.Origin.Revision = index
			if err := to.Send(n); err != nil {
				return err
			}
			due = false
			known = max(known, index) // a centre that lags behind the watcher tells it nothing twice
		}
		select {
		case <-more:
		case <-beat.C:
			due = true
		case <-to.Context().Done():
			return to.Context().Err()
		case <-s.Done:
			return api.Refuse(codes.Unavailable, s.Name, "", "stopping")
		}
	}
}
