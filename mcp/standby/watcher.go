package standby

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

const (
	pollInterval = 50 * time.Millisecond
	// askInterval is how often the other nodes are asked for their epoch, askTimeout how
	// long one may take to answer.
	askInterval = 250 * time.Millisecond
	askTimeout  = time.Second
	// Margin is how long the successor waits after it suspects every voter. A voter's
	// lease is never longer, see lease.go.
	Margin = time.Second
	// voterSilence is how long the successor waits after the last answer of any voter: the
	// voter may have had answers itself until the successor's next question failed.
	voterSilence = Margin + askInterval + askTimeout
	// StartupMargin is the margin of a successor that has not seen every voter alive yet:
	// when all nodes are started at once some come late.
	StartupMargin = 15 * time.Second
)

// Watcher waits for the end of the present epoch. All fields are needed.
type Watcher struct {
	Self       string
	Present    Epoch
	Voters     []string                          // of this epoch
	Successor  string                            // the node that takes over when they are dead
	Others     []string                          // every other node
	Suspicions func() (suspects, known []string) // of this node's prober
	To         func(name string) (*grpc.ClientConn, error)
	// AnswerTimeout is how soon a node must answer for a voter's lease to be extended: the
	// prober's timeout, so that a node too slow for a witness is too slow for a voter.
	AnswerTimeout time.Duration
	// ExtendLease sets until when this node, a voter, may acknowledge.
	ExtendLease func(t time.Time)
	// Ready returns an error while the successor lacks the data to take over with; it then
	// waits.
	Ready func(ctx context.Context) error
}

// Next waits for the end of the epoch and returns the next one: either this node is the
// successor and is to start it, or another node has started it. It returns false when
// ctx ends first.
func (w *Watcher) Next(ctx context.Context) (Epoch, bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	later := make(chan Epoch, 1)
	leases := &leaseRenewer{Watcher: w}
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, o := range w.Others {
		asking.Go(func() { leases.poll(ctx, o, later) })
	}
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	var deadSince time.Time        // since when every voter is suspected
	seenAlive := map[string]bool{} // by voter
	for {
		select {
		case e := <-later:
			if others := Latest(ctx, w.Others, w.To); others.Number > e.Number {
				e = others
			}
			return e, true
		case <-tick.C:
		case <-ctx.Done():
			return Epoch{}, false
		}
		if slices.Contains(w.Voters, w.Self) {
			continue
		}
		suspects, known := w.Suspicions()
		margin := Margin
		for _, v := range w.Voters {
			seenAlive[v] = seenAlive[v] || slices.Contains(known, v) && !slices.Contains(suspects, v)
			if !seenAlive[v] {
				margin = StartupMargin
			}
		}
		switch {
		case w.Self != w.Successor || !subset(w.Voters, suspects):
			deadSince = time.Time{}
		case deadSince.IsZero():
			deadSince = time.Now()
		case time.Since(deadSince) > margin && leases.silence(w.Voters) > voterSilence && w.Ready(ctx) == nil:
			return Epoch{Number: w.Present.Number + 1, Successor: w.Self}, true
		}
	}
}

func subset(of, in []string) bool {
	return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(in, s) })
}

// Latest asks nodes for their epochs and returns the latest of those that answer.
func Latest(ctx context.Context, nodes []string, to func(string) (*grpc.ClientConn, error)) (latest Epoch) {
	for _, r := range ask(ctx, nodes, to) {
		if r.Number > latest.Number {
			latest = Epoch{Number: r.Number, Successor: r.Successor}
		}
	}
	return latest
}

func ask(ctx context.Context, nodes []string, to func(string) (*grpc.ClientConn, error)) (out []*api.EpochReply) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, n := range nodes {
		all.Go(func() {
			conn, err := to(n)
			if err != nil {
				return
			}
			r, err := api.NewStandbyClient(conn).Epoch(ctx, &api.EpochRequest{})
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, r)
		})
	}
	all.Wait()
	return out
}

// Server answers other nodes with this node's epoch.
type Server struct {
	api.UnimplementedStandbyServer
	Present Epoch
}

// Epoch implements api.StandbyServer.
func (s *Server) Epoch(context.Context, *api.EpochRequest) (*api.EpochReply, error) {
	return &api.EpochReply{Number: s.Present.Number, Successor: s.Present.Successor}, nil
}
