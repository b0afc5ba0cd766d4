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

// watcher is what a server has seen of itself and its peers.
type watcher struct {
	*Bus
	srv *server.Server
	js  jetstream.JetStream

	created  bool            // the streams are there
	near     []string        // peers with a route, sorted
	isolated bool            // they and this server are no majority
	leads    map[string]bool // streams led here
	moved    map[string]string
	since    time.Time // when a seat last moved
	shaken   bool      // a peer was lost, and clients have not been seen to be back since
	arrived  int       // users that had come by the last look
	before   int       // and by the last one before a peer was lost

	long  []string  // streams whose logs are to be compacted, see back
	until time.Time // and how long that is tried
}

// watch looks at the server until ctx ends, tells what has changed and does
// what follows from it.
func (b *Bus) watch(ctx context.Context, srv *server.Server, js jetstream.JetStream) error {
	w := &watcher{Bus: b, srv: srv, js: js, leads: map[string]bool{}, moved: b.cfg.State.StreamLeaders()}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		w.routes()
		w.compact()
		if err := w.streams(ctx); err != nil {
			return err
		}
		w.seats()
		w.arrived = w.gate.arrivals()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// routes is detect and isolate.
func (w *watcher) routes() {
	now := peers(w.srv)
	for _, p := range w.near {
		if !slices.Contains(now, p) {
			w.shake()
			w.note(events.BusSuspect, "no route to "+p, "peer", p)
		}
	}
	if w.created && slices.ContainsFunc(now, func(p string) bool { return !slices.Contains(w.near, p) }) {
		w.back()
	}
	w.near = now
	majority := 2*(len(now)+1) > len(w.cfg.Peers)
	switch {
	case w.isolated && majority:
		w.isolated = false
		w.gate.open()
		w.note(events.BusRejoined, "sees "+strings.Join(now, " and ")+" again and takes clients", "peers", strings.Join(now, " "))
	case !w.isolated && !majority && w.created: // one that starts has not seen anybody yet
		w.isolated = true
		w.shake()
		gone := w.gate.close(w.srv)
		w.note(events.BusIsolated, fmt.Sprintf("sees %d of %d peers: no majority; hangs up on %d clients", len(now), len(w.cfg.Peers)-1, gone),
			"clients", strconv.Itoa(gone))
	}
}

func (w *watcher) shake() {
	if !w.shaken {
		w.shaken, w.before = true, w.arrived
	}
}

// peers lists the servers that there is a route to, sorted.
func peers(srv *server.Server) []string {
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

// streams is elect, and the first half of remap: the leader of a stream sees
// to it that the platform knows.
func (w *watcher) streams(ctx context.Context) error {
	if !w.created {
		w.created = w.create(ctx)
		if w.created && w.cfg.AckEarly {
			if err := w.ackEarly(ctx, w.srv, w.js); err != nil {
				return err
			}
		}
	}
	seats := w.cfg.State.StreamLeaders()
	for _, s := range Streams() {
		leads := w.srv.JetStreamIsStreamLeader(account, s)
		if leads && !w.leads[s] {
			w.note(events.BusElected, "leads stream "+s, "stream", s)
		}
		w.leads[s] = leads
		// One that is cut off goes on thinking that it leads for a while.
		if leads && !w.isolated && seats[s] != w.cfg.Name {
			w.claim(ctx, s)
		}
	}
	return nil
}

// create sees to the streams; every server waits for them, the leader of the
// servers makes them.
func (w *watcher) create(ctx context.Context) bool {
	if w.srv.JetStreamIsLeader() && len(w.near)+1 == len(w.cfg.Peers) {
		if err := create(ctx, w.js, len(w.cfg.Peers), w.cfg.kept); err != nil {
			return false // servers that have just met are refused; again at the next look
		}
	}
	for _, s := range Streams() {
		if !w.srv.JetStreamIsStreamAssigned(account, s) {
			return false
		}
	}
	return true
}

// claimLimit bounds a claim, for the server is not looked at meanwhile.
const claimLimit = 500 * time.Millisecond

// claim commits that this server leads a stream. What fails is tried again at
// the next look, if it is still true.
func (w *watcher) claim(ctx context.Context, stream string) {
	ctx, cancel := context.WithTimeout(ctx, claimLimit)
	defer cancel()
	_, _ = w.cfg.Once(ctx, &api.Command{Do: &api.Command_StreamLeader{StreamLeader: &api.StreamLeader{Stream: stream, Leader: w.cfg.Name}}})
}

// seats is the second half of remap, and reconnect.
func (w *watcher) seats() {
	now := w.cfg.State.StreamLeaders()
	for stream, leader := range now {
		if w.moved[stream] == leader {
			continue
		}
		if leader == w.cfg.Name { // one tells for all
			w.note(events.BusRemapped, fmt.Sprintf("stream %s is led by %s", stream, leader), "stream", stream, "leader", leader)
		}
		w.moved[stream], w.since = leader, time.Now()
	}
	// The new leader tells of its seat when it looks next: that clients are
	// back is not told before.
	if !w.shaken || w.isolated || time.Since(w.since) < 3*look {
		return
	}
	for stream, leader := range now {
		if leader != w.cfg.Name && !slices.Contains(w.near, leader) {
			return // nobody serves this stream yet
		}
		if n := w.gate.arrivals() - w.before; n > 0 {
			w.shaken = false
			w.note(events.BusReconnected, fmt.Sprintf("%d clients have come; stream %s is served by %s", n, stream, leader), "stream", stream, "leader", leader)
			return
		}
	}
}

func (w *watcher) note(k events.Kind, says string, pairs ...string) {
	fields := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		fields[pairs[i]] = pairs[i+1]
	}
	w.cfg.Note(k, says, fields)
}
