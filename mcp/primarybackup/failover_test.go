package primarybackup

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

// newReplica returns the replica of one of the control nodes east-1 and south-1. It
// connects to others by conn, and knows a leader while leader returns true.
func newReplica(t *testing.T, self string, conn func(string) (*grpc.ClientConn, error), leader func() bool) *Replica {
	t.Helper()
	n, err := Open(Config{
		Self: self, Dir: t.TempDir(), State: state.New(), Conn: conn, KnowsLeader: leader,
		Cluster: func() arbiter.Cluster {
			return arbiter.Cluster{Control: []string{"east-1", "south-1"}, Regions: map[string]string{"east-1": "east", "south-1": "south"}, Weights: map[string]int{"east": 2, "south": 1}}
		},
		Propose: func(context.Context, *api.Command) (*api.Applied, error) { return &api.Applied{}, nil },
		Emit:    func(events.Kind, string, map[string]string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.work.Wait()
		_ = n.Close()
	})
	return n
}

// A node that was declared lost, but is up, learns that the old primary's term is over.
func TestALostNodeIsFencedIfItCanBeReached(t *testing.T) {
	lost := newReplica(t, "south-1", nil, nil)
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
		false: func(string) (*grpc.ClientConn, error) { return nil, errors.New("unreachable") },
	} {
		leader := newReplica(t, "east-1", to, nil)
		leader.cfg.Propose = func(_ context.Context, c *api.Command) (*api.Applied, error) {
			if p := c.GetPromotion(); p.GetPrimary() == "east-1" && p.GetEpoch() == 2 {
				promoted++
			}
			return &api.Applied{}, nil
		}
		f := &failover{Replica: leader, class: api.Class_SEMISYNC}
		f.promote(t.Context(), state.PrimaryTerm{Epoch: 1, Primary: "south-1"}, []string{"south-1"})
		leader.work.Wait()
		if reached {
			if _, err := lost.journals[api.Class_SEMISYNC].reconcile(1, nil, 0); !errors.Is(err, errStaleEpoch) {
				t.Errorf("the lost node reconciles with the old primary: %v; want a refusal", err)
			}
		}
	}
	if promoted != 2 {
		t.Errorf("promoted %d times, want 2: once without a reply of the lost node", promoted)
	}
}

// A primary that is cut off may have been replaced, and the lost node that is cut off
// with it would confirm its reads.
func TestAPrimaryThatKnowsNoLeaderConfirmsNoSemisyncRead(t *testing.T) {
	known := true
	n := newReplica(t, "east-1", nil, func() bool { return known })
	for class, j := range n.journals {
		term, err := j.beginTerm(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.sync(0); err != nil {
			t.Fatal(err)
		}
		otherRegion := &replicaProgress{otherRegion: true}
		term.replicas["south-1"] = otherRegion
		j.onReceipt(term, otherRegion, &api.Receipt{Index: 1, Mark: 99}) // all marks come back
		for _, known = range []bool{true, false} {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			_, err := n.Confirm(ctx, &api.ClassRequest{Class: class})
			if want := known || class == api.Class_ASYNC; want != (err == nil) {
				t.Errorf("%s, a leader is known: %v: %v", name(class), known, err)
			} else if !want && !api.Refused(err) {
				t.Errorf("%s: %v; want a refusal", name(class), err)
			}
		}
	}
}
