package bench

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// How writes are measured: by clients of the main region, where the leader is.
// They enter there, too, as those of etcd do. As the platform shares its traffic
// among regions, three in ten would enter elsewhere, and wait for two more trips.
const (
	users     = 4  // connections
	crowd     = 64 // writers, when throughput is measured
	quietFor  = 3 * time.Second
	crowdFor  = 5 * time.Second
	pairs     = 3 // of the platform and etcd, one after the other
	leadLimit = 60 * time.Second
)

var entering = mcp.Target{Entrance: "east"}

// BenchmarkWrites is what a strong write costs over links of 30 ms: alone, as a
// multiple of one round trip over the same links, and in a crowd beside etcd
// on the same topology. Whoever writes goes on when it is answered.
func BenchmarkWrites(b *testing.B) {
	b.Run("local", func(b *testing.B) {
		need(b, local.Driver())
		var ours, shared []pace
		for b.Loop() {
			ours = append(ours, writes(b, entering, local.Driver()))
			shared = append(shared, writes(b, mcp.Target{}, local.Driver()))
		}
		report(b, "", ours)
		b.ReportMetric(middle(shared, func(p pace) float64 { return p.rate }), "shared-writes/s")
	})
	b.Run("etcd", func(b *testing.B) { // which runs in containers only
		need(b, docker.Driver())
		var ours, theirs []pace
		for b.Loop() {
			for range pairs {
				ours = append(ours, writes(b, entering, docker.Driver()))
				theirs = append(theirs, writes(b, etcd.Target{}, docker.Driver()))
			}
		}
		report(b, "", ours)
		report(b, "etcd-", theirs)
		b.ReportMetric(middle(ours, func(p pace) float64 { return p.rate })/middle(theirs, func(p pace) float64 { return p.rate }), "throughput-ratio")
		b.ReportMetric(middle(ours, func(p pace) float64 { return ms(p.crowded) })/middle(theirs, func(p pace) float64 { return ms(p.crowded) }), "latency-ratio")
	})
}

// pace is how fast a system writes.
type pace struct {
	trip    time.Duration // to the nearest other region and back, over the link that its leader uses
	alone   time.Duration // median of one writer
	crowded time.Duration // median of a crowd
	rate    float64       // acknowledged writes of the crowd a second
}

func report(b *testing.B, whose string, ps []pace) {
	b.Helper()
	b.ReportMetric(middle(ps, func(p pace) float64 { return float64(p.alone) / float64(p.trip) }), whose+"trips")
	b.ReportMetric(middle(ps, func(p pace) float64 { return ms(p.trip) }), whose+"ms-trip")
	b.ReportMetric(middle(ps, func(p pace) float64 { return ms(p.alone) }), whose+"ms-write")
	b.ReportMetric(middle(ps, func(p pace) float64 { return ms(p.crowded) }), whose+"ms-crowded")
	b.ReportMetric(middle(ps, func(p pace) float64 { return p.rate }), whose+"writes/s")
	b.ReportMetric(0, "ns/op")
}

func middle(ps []pace, of func(pace) float64) float64 {
	var vs []float64
	for _, p := range ps {
		vs = append(vs, of(p))
	}
	slices.Sort(vs)
	return vs[len(vs)/2]
}

// writes starts a system, one node in each of three regions, and measures it.
func writes(b *testing.B, target targets.Target, kind cluster.Driver) pace {
	b.Helper()
	c := open(b, target, kind)
	defer func() {
		if err := c.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	}()
	main := c.Topology.Nodes[0]
	lead(b, target, c, main.ID)
	var clients []workload.Client
	for id := range users {
		cl, err := target.Client(b.Context(), c, main.Region, id)
		if err != nil {
			b.Fatal(err)
		}
		defer cl.Close()
		clients = append(clients, cl)
	}
	drive(b, main.Region, clients, crowd, time.Second) // so that connections are open and paths are warm
	p := pace{trip: trip(b, c, main)}
	p.alone, _ = drive(b, main.Region, clients[:1], 1, quietFor)
	p.crowded, p.rate = drive(b, main.Region, clients, crowd, crowdFor)
	if now, err := target.Resolve(b.Context(), c, topology.Leader); err != nil || now[0] != main.ID {
		b.Fatalf("%s: %v leads after the writes, not %s: %v", target.Name(), now, main.ID, err)
	}
	b.Logf("%s on %s: trip %v, alone %v, crowded %v, %.0f/s", target.Name(), kind.Name, p.trip, p.alone, p.crowded, p.rate)
	return p
}

// open starts a system with nothing around it but its links.
func open(b *testing.B, target targets.Target, kind cluster.Driver) *cluster.Cluster {
	b.Helper()
	top, err := target.Topology(topology.Spec{Nodes: 1})
	if err != nil {
		b.Fatal(err)
	}
	programs := build.Builder(kind.OS)
	linkd, err := programs.Linkd(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	spec := cluster.Spec{
		Run: "writes-" + time.Now().UTC().Format("150405.000000000"), Topology: top, Dir: b.TempDir(),
		Binary: programs.Build, Linkd: linkd, CleanupLog: forget{}, Secret: cluster.NewSecret(),
	}
	rt, err := kind.Open(b.Context(), spec)
	if err != nil {
		b.Fatal(err)
	}
	c, err := cluster.Start(b.Context(), rt, spec, func(s string) { b.Log(s) })
	if err != nil {
		b.Fatal(err)
	}
	return c
}

// forget is a journal for what is closed by who opened it.
type forget struct{}

func (forget) Append(cluster.CleanupEntry) error { return nil }

// lead waits until a node leads. A system that does not see to that by itself is told to.
func lead(b *testing.B, target targets.Target, c *cluster.Cluster, id topology.NodeID) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), leadLimit)
	defer cancel()
	told, canBeTold := target.(interface {
		Lead(context.Context, *cluster.Cluster, topology.NodeID) error
	})
	for {
		now, err := target.Resolve(ctx, c, topology.Leader)
		if err == nil && now[0] == id {
			return
		}
		if err == nil && canBeTold {
			err = told.Lead(ctx, c, id)
		}
		select {
		case <-ctx.Done():
			b.Fatalf("%s: %s does not lead within %v but %v: %v", target.Name(), id, leadLimit, now, err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// trip is the median round trip from a node to the nearest one elsewhere: a
// majority of three needs no other answer.
func trip(b *testing.B, c *cluster.Cluster, from topology.Node) time.Duration {
	b.Helper()
	var nearest time.Duration
	for _, n := range c.Topology.Nodes {
		if n.Region == from.Region {
			continue
		}
		var rtts []time.Duration
		for range 9 {
			s := c.Links.Echo(b.Context(), topology.Link{From: topology.Endpoint{Node: from.ID}, To: n.ID})
			if s.Err != nil {
				b.Fatal(s.Err)
			}
			rtts = append(rtts, s.RTT)
		}
		if m := median(rtts); nearest == 0 || m < nearest {
			nearest = m
		}
	}
	return nearest
}

// drive lets so many writers write for a while, and returns the median of what
// an acknowledged write took, and how many there were a second.
func drive(b *testing.B, from topology.Region, clients []workload.Client, writers int, d time.Duration) (time.Duration, float64) {
	b.Helper()
	var (
		mu    sync.Mutex
		took  []time.Duration
		wrong string
		bad   int
		start = time.Now()
	)
	workload.Generator{
		Load:    workload.Load{ClosedLoop: workload.ClosedLoop{For: d, Writers: writers}}.Resolve(),
		Clients: map[topology.Region][]workload.Client{from: clients},
		Now:     func() time.Duration { return time.Since(start) },
		OnDone: func(op history.Op) {
			mu.Lock()
			defer mu.Unlock()
			if op.Outcome != history.OK {
				bad++
				wrong = fmt.Sprintf("%s: %s", op.Outcome, op.Error)
				return
			}
			took = append(took, op.Return-op.Call)
		},
	}.RunClosedLoop(b.Context())
	if len(took) == 0 {
		b.Fatalf("none of %d writes was acknowledged: %s", bad, wrong)
	}
	if bad > 0 {
		b.Logf("%d of %d writes were not acknowledged, the last: %s", bad, bad+len(took), wrong)
	}
	return median(took), float64(len(took)) / time.Since(start).Seconds()
}
