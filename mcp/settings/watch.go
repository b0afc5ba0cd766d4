package settings

import (
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// HeartbeatInterval is how often a watcher gets at least a message. It shows that the server
// is up, and up to which revision the watcher knows everything.
const HeartbeatInterval = 200 * time.Millisecond

// Watch sends the present settings and then each change, until the watcher disconnects or
// the node stops. What it sends depends only on the log and on the revision that the
// watcher knows, so any server can continue the watch of another.
func (s *Server) Watch(r *api.SettingWatch, to grpc.ServerStreamingServer[api.SettingNews]) error {
	if !s.IsConfigServer {
		return s.refuseNotConfigServer()
	}
	heartbeat := time.NewTicker(HeartbeatInterval)
	defer heartbeat.Stop()
	known, due := r.After, true
	for {
		st := s.Store.Committed()
		_, more := st.Applied() // before the settings are read, so that no change is missed
		changes, whole, index := st.SettingsAfter(r.Prefix, known)
		if due || len(changes) > 0 {
			n := &api.SettingNews{Changes: settingsToAPI(changes), Whole: whole, Origin: s.origin()}
			n.Origin.Revision = index
			if err := to.Send(n); err != nil {
				return err
			}
			due = false
			known = max(known, index) // a server that lags behind the watcher sends nothing twice
		}
		select {
		case <-more:
		case <-heartbeat.C:
			due = true
		case <-to.Context().Done():
			return to.Context().Err()
		case <-s.Done:
			return api.Refuse(codes.Unavailable, s.Name, "", "the node is stopping")
		}
	}
}
