package conformance

import (
	"context"
	"errors"
	"fmt"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

// testMembership removes a follower and adds it again, each twice, and writes while it
// is removed.
func (s *suite) testMembership(t T, target targets.MembershipAdmin) {
	o := target.MembershipAdmin(s.cluster)
	ctx, cancel := context.WithTimeout(t.Context(), waitTimeout)
	defer cancel()
	followers, err := s.target.Resolve(ctx, s.cluster, topology.Follower)
	if err != nil {
		t.Fatal(err)
	}
	id := followers[0]
	member := func(want bool) {
		t.Helper()
		s.await(t, fmt.Sprintf("membership %v of %s", want, id), func(ctx context.Context) error {
			is, err := o.IsMember(ctx, id)
			if err == nil && is != want {
				err = errors.New("not yet")
			}
			return err
		})
	}
	member(true)
	again := func(what string, do func(context.Context, topology.NodeID) error) {
		t.Helper()
		for range 2 { // the second call must change nothing
			s.await(t, what, func(ctx context.Context) error { return do(ctx, id) })
		}
	}
	again("removal", o.Remove)
	member(false)
	region := s.cluster.Topology.Regions()[0]
	n, _ := s.cluster.Topology.Node(id)
	for _, r := range s.cluster.Topology.Regions() {
		if r != n.Region { // its clients may have no other node in their region
			region = r
		}
	}
	s.mustDo(t, s.client(t, region, 200), history.Op{Kind: history.Write, Key: "register.without", Value: "1"})
	again("addition", o.Add)
	member(true)
}
