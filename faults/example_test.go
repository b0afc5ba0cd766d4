package faults_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// What a fault affects can be asked before anything runs.
func Example() {
	c := declared(1, "a", "b", "c") // one node in each of three regions
	cut := &faults.Isolate{Clients: true, Mode: links.Refuse}
	v := faults.Victims{Cluster: c, Nodes: c.Topology.Select(topology.Selector{Region: "a"})}
	fmt.Println(cut.Describe(v))
	for _, r := range c.Topology.Regions() {
		fmt.Println(r, "has a quorum:", c.Topology.HasQuorum(r, cut.Impact(v)))
	}
	// Output:
	// isolate a1 with its clients (refuse)
	// a has a quorum: false
	// b has a quorum: true
	// c has a quorum: true
}

// An injection is made, proved and healed. The settings stay as they are, so that
// the same value can be prepared again, for other victims too.
func ExampleFault() {
	use := func(ctx context.Context, v faults.Victims) (err error) {
		injection := (&faults.Latency{Delay: 100 * time.Millisecond}).Prepare(v)
		if err := injection.Inject(ctx); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, injection.Heal(context.WithoutCancel(ctx))) }()
		observed, err := injection.Active(ctx)
		fmt.Println(observed)
		return err
	}
	_ = use // with victims of a cluster that runs
}

func ExampleFind() {
	_, err := faults.Find("pawse")
	var invalid faults.InvalidField
	fmt.Println(errors.As(err, &invalid), invalid.Suggestion)
	// Output: true pause
}

func ExampleParseRate() {
	r, err := faults.ParseRate("1.5MB/s")
	fmt.Println(int64(r), r, err)
	// Output: 1500000 1500KB/s <nil>
}
