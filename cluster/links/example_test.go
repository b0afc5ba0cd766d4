package links_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// A link is slowed, measured, and made as it was. The mesh is that of a cluster
// that runs.
func ExampleMesh_ApplyEffect() {
	slow := func(ctx context.Context, m *links.Mesh) (err error) {
		link := topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}
		heal, err := m.ApplyEffect(ctx, "slow",
			[]topology.Flow{{Link: link, Direction: topology.BothWays}},
			links.Effect{Latency: 50 * time.Millisecond})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, heal(context.WithoutCancel(ctx))) }()
		s := m.Echo(ctx, link)
		fmt.Println(s.RTT, s.Err)
		return s.Err
	}
	_ = slow
}

// A client that finds nobody listening is refused.
func ExampleProbeFailureOf() {
	err := fmt.Errorf("control link: %w", links.ProbeError{Failure: links.Refused, Detail: "connection refused"})
	fmt.Println(links.ProbeFailureOf(err))
	// Output: refused
}
