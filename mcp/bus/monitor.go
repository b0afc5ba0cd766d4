package bus

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// monitor is what a node knows of its server and its peers.
type monitor struct {
	*Bus
	srv *server.Server
	js  jetstream.JetStream

	created          bool              // whether all streams exist
	routedPeers      []string          // peers with a route to this server, sorted
	isolated         bool              // whether they and this server are no majority
	leading          map[string]bool   // streams that this server leads
	streamLeaders    map[string]string // leaders of streams that the platform has agreed on
	leadersChangedAt time.Time         // when streamLeaders last changed
	reconnecting     bool              // whether a peer was lost and no client has connected since
	accepted         int               // how many users had connected at the last check
	acceptedBefore   int               // and at the last check before a peer was lost

	toCompact    []string  // streams whose logs are to be compacted, see scheduleCompaction
	compactUntil time.Time // until when compaction is tried
}

// monitor checks the server until ctx ends, emits events for what has changed, and acts on it.
func (b *Bus) monitor(ctx context.Context, srv *server.Server, js jetstream.JetStream) error {
	m := &monitor{Bus: b, srv: srv, js: js, leading: map[string]bool{}, streamLeaders: b.cfg.State.StreamLeaders()}
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		m.checkRoutes()
		m.compactLogs()
		if err := m.checkStreams(ctx); err != nil {
			return err
		}
		m.checkStreamLeaders()
		m.accepted = m.auth.acceptedCount()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// checkRoutes does detect and isolate, see the package.
func (m *monitor) checkRoutes() {
	now := connectedPeers(m.srv)
	for _, p := range m.routedPeers {
		if !slices.Contains(now, p) {
			m.beginReconnect()
			m.emit(events.BusSuspect, "no route to "+p, "peer", p)
		}
	}
	if m.created && slices.ContainsFunc(now, func(p string) bool { return !slices.Contains(m.routedPeers, p) }) {
		m.scheduleCompaction()
	}
	m.routedPeers = now
	majority := 2*(len(now)+1) > len(m.cfg.Peers)
	switch {
	case m.isolated && majority:
		m.isolated = false
		m.auth.acceptUsers()
		m.emit(events.BusRejoined, "reaches "+strings.Join(now, " and ")+" again and accepts clients", "peers", strings.Join(now, " "))
	case !m.isolated && !majority && m.created: // before the streams exist the server is starting, and has no routes yet
		m.isolated = true
		m.beginReconnect()
		disconnected := m.auth.refuseUsers(m.srv)
		m.emit(events.BusIsolated, fmt.Sprintf("reaches %d of %d peers, which is no majority, and disconnects %d clients", len(now), len(m.cfg.Peers)-1, disconnected),
			"clients", strconv.Itoa(disconnected))
	}
}

func (m *monitor) beginReconnect() {
	if !m.reconnecting {
		m.reconnecting, m.acceptedBefore = true, m.accepted
	}
}

// connectedPeers lists the servers that have a route to this one, sorted.
func connectedPeers(srv *server.Server) []string {
	z, err := srv.Routez(nil)
	if err != nil {
		return nil
	}
	var out []string
	for _, r := range z.Routes {
		out = append(out, r.RemoteName)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// checkStreams does elect and the first half of remap, see the package: the leader of a stream
// commits that it leads.
func (m *monitor) checkStreams(ctx context.Context) error {
	if !m.created {
		m.created = m.createStreams(ctx)
		if m.created {
			if err := m.hooks.streamsCreated(ctx, m.srv, m.js); err != nil {
				return err
			}
		}
	}
	agreed := m.cfg.State.StreamLeaders()
	for _, s := range Streams() {
		leads := m.srv.JetStreamIsStreamLeader(natsAccount, s)
		if leads && !m.leading[s] {
			m.emit(events.BusElected, "this server leads stream "+s, "stream", s)
		}
		m.leading[s] = leads
		// A server that is cut off believes for a while that it still leads.
		if leads && !m.isolated && agreed[s] != m.cfg.Name {
			m.commitStreamLeader(ctx, s)
		}
	}
	return nil
}

// createStreams returns whether all streams exist. The leader of the servers creates them, and
// every server waits for them.
func (m *monitor) createStreams(ctx context.Context) bool {
	if m.srv.JetStreamIsLeader() && len(m.routedPeers)+1 == len(m.cfg.Peers) {
		if err := createStreams(ctx, m.js, len(m.cfg.Peers), m.hooks.storedSubject); err != nil {
			return false // servers that have just connected are refused; the next check tries again
		}
	}
	for _, s := range Streams() {
		if !m.srv.JetStreamIsStreamAssigned(natsAccount, s) {
			return false
		}
	}
	return true
}

// commitTimeout limits commitStreamLeader, because the server is not checked meanwhile.
const commitTimeout = 500 * time.Millisecond

// commitStreamLeader commits that this server leads a stream. If that fails, the next check
// tries again, if it is still true.
func (m *monitor) commitStreamLeader(ctx context.Context, stream string) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	_, _ = m.cfg.Commit(ctx, &api.Command{Do: &api.Command_StreamLeader{StreamLeader: &api.StreamLeader{Stream: stream, Leader: m.cfg.Name}}})
}

// checkStreamLeaders does the second half of remap, and reconnect, see the package.
func (m *monitor) checkStreamLeaders() {
	now := m.cfg.State.StreamLeaders()
	for stream, leader := range now {
		if m.streamLeaders[stream] == leader {
			continue
		}
		if leader == m.cfg.Name { // only one server emits the event
			m.emit(events.BusRemapped, fmt.Sprintf("stream %s is led by %s", stream, leader), "stream", stream, "leader", leader)
		}
		m.streamLeaders[stream], m.leadersChangedAt = leader, time.Now()
	}
	// The new leader commits that it leads at its next check. Only after that does the event
	// follow that clients are connected again.
	if !m.reconnecting || m.isolated || time.Since(m.leadersChangedAt) < 3*pollInterval {
		return
	}
	for stream, leader := range now {
		if leader != m.cfg.Name && !slices.Contains(m.routedPeers, leader) {
			return // this stream is not served yet
		}
		if n := m.auth.acceptedCount() - m.acceptedBefore; n > 0 {
			m.reconnecting = false
			m.emit(events.BusReconnected, fmt.Sprintf("%d clients have connected; stream %s is led by %s", n, stream, leader), "stream", stream, "leader", leader)
			return
		}
	}
}

func (m *monitor) emit(k events.Kind, text string, pairs ...string) {
	fields := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	m.cfg.Emit(k, text, fields)
}

// compactionTimeout is how long a server tries to compact a log for a peer that is back.
// The library refuses while it sends the peer what that has missed, in rounds of at most two
// seconds.
const compactionTimeout = 15 * time.Second

// scheduleCompaction is called when a peer has a route again. The peer may have led a stream
// while it was cut off, and then its log ends with entries that nobody else has.
//
// The library removes those one by one: the peer asks for what follows its last entry,
// notices that the answer does not match, removes that one entry, and asks again after two
// seconds. Twenty unacknowledged messages take half a minute. A peer that asks for entries
// which are no longer in the leader's log is sent the stream's state instead, which
// replaces the peer's own, whatever entries that ends with. Therefore every server, of
// which one is the leader, compacts its logs now. It does not help if fewer entries were
// committed meanwhile than the peer has to remove, but then there are few to remove.
func (m *monitor) scheduleCompaction() {
	m.compactUntil = time.Now().Add(compactionTimeout)
	m.toCompact = Streams()
}

// compactLogs compacts the logs that are not compacted yet.
func (m *monitor) compactLogs() {
	var remaining []string
	for _, s := range m.toCompact {
		if m.srv.JetStreamSnapshotStream(natsAccount, s) != nil && time.Now().Before(m.compactUntil) {
			remaining = append(remaining, s)
		}
	}
	m.toCompact = remaining
}
