package cluster_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// office is an operator that refuses its first calls and writes down the rest.
type office struct {
	refusals int
	did      []string
}

func (o *office) do(what string, id topology.NodeID) error {
	if o.refusals > 0 {
		o.refusals--
		return errors.New("an election is under way")
	}
	o.did = append(o.did, fmt.Sprint(what, " ", id))
	return nil
}

func (o *office) Remove(_ context.Context, id topology.NodeID) error { return o.do("remove", id) }
func (o *office) Add(_ context.Context, id topology.NodeID) error    { return o.do("add", id) }
func (o *office) IsMember(context.Context, topology.NodeID) (bool, error) {
	return false, errors.New("not asked here")
}

func TestTheLastToReadmitAdds(t *testing.T) {
	o := &office{refusals: 3}
	c := &cluster.Cluster{MembershipAdmin: o}
	did := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, o.did); diff != "" {
			t.Errorf("done %s (-want +got):\n%s", when, diff)
		}
	}
	readmit := make([]func(context.Context) error, 2)
	for i := range readmit {
		var err error
		if readmit[i], err = c.RemoveMember(t.Context(), "east-1"); err != nil {
			t.Fatal(err)
		}
	}
	did("by two expulsions, the first of them after refusals", "remove east-1")
	if err := readmit[0](t.Context()); err != nil {
		t.Error(err)
	}
	did("while one stands", "remove east-1")
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	o.refusals = 1
	if readmit[1](dead) == nil {
		t.Error("a readmission that failed says that it did not")
	}
	for range 2 { // again after an error, and after success
		if err := readmit[1](t.Context()); err != nil {
			t.Error(err)
		}
	}
	did("in the end", "remove east-1", "add east-1")
}

func TestWithoutAnOperatorNobodyIsExpelled(t *testing.T) {
	_, err := new(cluster.Cluster).RemoveMember(t.Context(), "east-1")
	if _, ok := errors.AsType[cluster.Unsupported](err); !ok {
		t.Errorf("got %v, want Unsupported with its reason", err)
	}
}
