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

// fakeAdmin is a membership admin that refuses its first calls and writes down the rest.
type fakeAdmin struct {
	refusals int
	did      []string
}

func (a *fakeAdmin) do(what string, id topology.NodeID) error {
	if a.refusals > 0 {
		a.refusals--
		return errors.New("an election is under way")
	}
	a.did = append(a.did, fmt.Sprint(what, " ", id))
	return nil
}

func (a *fakeAdmin) Remove(_ context.Context, id topology.NodeID) error { return a.do("remove", id) }
func (a *fakeAdmin) Add(_ context.Context, id topology.NodeID) error    { return a.do("add", id) }
func (a *fakeAdmin) IsMember(context.Context, topology.NodeID) (bool, error) {
	return false, errors.New("not asked here")
}

func TestTheLastToReadmitAdds(t *testing.T) {
	a := &fakeAdmin{refusals: 3}
	c := &cluster.Cluster{MembershipAdmin: a}
	did := func(when string, want ...string) {
		t.Helper()
		if diff := cmp.Diff(want, a.did); diff != "" {
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
	a.refusals = 1
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
