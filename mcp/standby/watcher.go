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
	look = 50 * time.Millisecond
	// askEvery is how often the others are asked for their generation, askLimit
	// how long one may take to answer.
	askEvery = 250 * time.Millisecond
	askLimit = time.Second
	// Margin is how long the heir waits after it suspects every voter. For no
	// longer does a voter go by an answer from outside, see proof.go.
	Margin = time.Second
	// quiet is how long the heir waits after the last answer of any voter, which may
	// have had an answer itself until the heir's next question remained without one.
	quiet = Margin + askEvery + askLimit
	// StartupMargin is the margin of an heir that has not yet seen every voter alive:
	// where all start at once some are late.
	StartupMargin = 15 * time.Second
)

// Watcher is a node's lookout for the end of its generation. All fields are needed.
type Watcher struct {
	Self       string
	Present    Epoch
	Voters     []string                          // of this generation
	Successor  string                            // who takes over when they are gone
	Others     []string                          // every other node
	Suspicions func() (suspects, known []string) // of this node's prober
	To         func(name string) (*grpc.ClientConn, error)
	// AnswerTimeout is how soon a node must answer for a voter to go by it: the prober's
	// timeout, so that who is too slow for a witness is so for the voter.
	AnswerTimeout time.Duration
	// ExtendLease tells this node, a voter, up to when it may acknowledge.
	ExtendLease func(t time.Time)
	// Ready says whether the heir has what it takes over with. While it has not, it waits.
	Ready func(ctx context.Context) error
}

// Next waits for the end of the generation and returns the next: one that this
// node, the heir, shall begin, or one that began without it. It returns false
// when ctx ends first.
func (w *Watcher) Next(ctx context.Context) (Epoch, bool) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	later := make(chan Epoch, 1)
	heard := &proof{Watcher: w}
	var asking sync.WaitGroup
	defer asking.Wait()
	for _, o := range w.Others {
		asking.Go(func() { heard.follow(ctx, o, later) })
	}
	defer cancel()
	tick := time.NewTicker(look)
	defer tick.Stop()
	var gone time.Time         // since when every voter is suspected
	alive := map[string]bool{} // voters that have been seen so
	for {
		select {
		case g := <-later:
			if others := Latest(ctx, w.Others, w.To); others.Number > g.Number {
				g = others
			}
			return g, true
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
			alive[v] = alive[v] || slices.Contains(known, v) && !slices.Contains(suspects, v)
			if !alive[v] {
				margin = StartupMargin
			}
		}
		switch {
		case w.Self != w.Successor || !subset(w.Voters, suspects):
			gone = time.Time{}
		case gone.IsZero():
			gone = time.Now()
		case time.Since(gone) > margin && heard.silence(w.Voters) > quiet && w.Ready(ctx) == nil:
			return Epoch{Number: w.Present.Number + 1, Successor: w.Self}, true
		}
	}
}

func subset(of, in []string) bool {
	return !slices.ContainsFunc(of, func(s string) bool { return !slices.Contains(in, s) })
}

// Latest asks nodes for their generation and returns the highest of those who answer.
func Latest(ctx context.Context, nodes []string, to func(string) (*grpc.ClientConn, error)) (latest Epoch) {
	for _, r := range ask(ctx, nodes, to) {
		if r.Number > latest.Number {
			latest = Epoch{Number: r.Number, Successor: r.Successor}
		}
	}
	return latest
}

func ask(ctx context.Context, nodes []string, to func(string) (*grpc.ClientConn, error)) (out []*api.EpochReply) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
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

// Server answers for a node.
type Server struct {
	api.UnimplementedStandbyServer
	Present Epoch
}

// Epoch implements api.StandbyServer.
func (s *Server) Epoch(context.Context, *api.EpochRequest) (*api.EpochReply, error) {
	return &api.EpochReply{Number: s.Present.Number, Successor: s.Present.Successor}, nil
}
