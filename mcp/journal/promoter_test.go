package journal

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// keeperOf is the part of one of the control nodes east-1 and south-1; it
// reaches others by to, and knows a leader while leader says so.
func keeperOf(t *testing.T, self string, to func(string) (*grpc.ClientConn, error), leader func() bool) *Keeper {
	t.Helper()
	k, err := Open(Config{
		Self: self, Dir: t.TempDir(), State: state.New(), To: to, Follows: leader,
		Cluster: func() arbiter.Cluster {
			return arbiter.Cluster{Control: []string{"east-1", "south-1"}, Regions: map[string]string{"east-1": "east", "south-1": "south"}, Weights: map[string]int{"east": 2, "south": 1}}
		},
		Propose: func(context.Context, *api.Command) (*api.Applied, error) { return &api.Applied{}, nil },
		Note:    func(events.Kind, string, map[string]string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		k.work.Wait()
		_ = k.Close()
	})
	return k
}

// One that was declared lost, and lives, is told that the old primary's time is over.
func TestANodeThatIsLostIsFencedIfItHears(t *testing.T) {
	lost := keeperOf(t, "south-1", nil, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := grpc.NewServer()
	api.RegisterJournalsServer(srv, lost)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	defer func() { srv.Stop(); <-served }()
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()

	promoted := 0
	for reached, to := range map[bool]func(string) (*grpc.ClientConn, error){
		true:  func(string) (*grpc.ClientConn, error) { return conn, nil },
		false: func(string) (*grpc.ClientConn, error) { return nil, errors.New("no way there") },
	} {
		leader := keeperOf(t, "east-1", to, nil)
		leader.cfg.Propose = func(_ context.Context, c *api.Command) (*api.Applied, error) {
			if p := c.GetPromotion(); p.GetPrimary() == "east-1" && p.GetEpoch() == 2 {
				promoted++
			}
			return &api.Applied{}, nil
		}
		o := &overseer{Keeper: leader, class: api.Class_SEMISYNC}
		o.elect(t.Context(), state.PrimaryTerm{Epoch: 1, Primary: "south-1"}, []string{"south-1"})
		leader.work.Wait()
		if reached {
			if _, err := lost.journals[api.Class_SEMISYNC].follow(1, nil, 0); !errors.Is(err, errOld) {
				t.Errorf("the lost node follows the old primary: %v; want to be refused", err)
			}
		}
	}
	if promoted != 2 {
		t.Errorf("promoted %d times, want 2: once without the answer of the one that is lost", promoted)
	}
}

// A primary that was cut off may have been replaced, and the node that was lost
// with it would confirm its reads.
func TestAPrimaryThatKnowsNoLeaderConfirmsNoSemisyncRead(t *testing.T) {
	known := true
	k := keeperOf(t, "east-1", nil, func() bool { return known })
	for class, j := range k.journals {
		o, err := j.enter(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.syncNow(0); err != nil {
			t.Fatal(err)
		}
		far := &ship{far: true}
		o.ships["south-1"] = far
		j.received(o, far, &api.Receipt{Index: 1, Mark: 99}) // all marks come back
		for _, known = range []bool{true, false} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := k.Confirm(ctx, &api.ClassRequest{Class: class})
			if want := known || class == api.Class_ASYNC; want != (err == nil) {
				t.Errorf("%s, a leader is known: %v: %v", name(class), known, err)
			} else if !want && !api.Refused(err) {
				t.Errorf("%s: %v; want a refusal", name(class), err)
			}
		}
	}
}
