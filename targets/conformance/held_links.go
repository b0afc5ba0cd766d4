package conformance

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// heldClients is how many clients write while their links are held. Each has one
// connection or more that was open before: what it sends there arrives after the heal.
const heldClients = 4

// heldTimeout is that of a write while the links are held: it is there to run out.
const heldTimeout = 300 * time.Millisecond

// lateTimeout is how long a write that was held may take to appear after the heal.
const lateTimeout = 1500 * time.Millisecond

// testHeldLinks holds the links of clients until their writes time out, heals them, and looks for writes
// that the target called Failed and that took effect. Where the outcome of a write is not known,
// only Unknown is true.
func (s *suite) testHeldLinks(t T) {
	s.needsSets(t)
	for _, held := range []struct {
		what      string
		direction topology.Direction
	}{
		{"answers", topology.Downstream}, // the system does what it is asked, and nobody hears of it
		{"requests and answers", topology.BothWays},
	} {
		w := s.writeWhileHeld(t, "held-"+string(held.direction), held.direction)
		t.Logf("%s held: outcomes %v, %d of the writes that were not acknowledged took effect", held.what, w.outcomes, w.appeared)
		for _, v := range w.refuted {
			t.Errorf("with %s held, the write of %s was reported as Failed and took effect: an operation that timed out is Unknown unless it provably was not sent", held.what, v)
		}
	}
}

// heldWrites is what became of writes on held links.
type heldWrites struct {
	outcomes map[history.Outcome]int
	appeared int      // of those that were not acknowledged
	refuted  []string // values of writes that were reported as Failed and took effect
}

// writeWhileHeld adds to a set while the links of all clients are held, and reads the set once they are healed.
func (s *suite) writeWhileHeld(t T, set string, d topology.Direction) heldWrites {
	t.Helper()
	region := s.cluster.Topology.Regions()[0]
	var clients []workload.Client
	for i := range heldClients {
		c := s.client(t, region, 300+i)
		s.mustDo(t, c, history.Op{Kind: history.Add, Key: set, Value: "before"})
		clients = append(clients, c)
	}
	var flows []topology.Flow
	for _, l := range s.cluster.Topology.Links() {
		if l.From.Clients != "" {
			flows = append(flows, topology.Flow{Link: l, Direction: d})
		}
	}
	heal, err := s.cluster.Links.ApplyEffect(t.Context(), set, flows, links.Effect{Cut: links.Hold})
	if err != nil {
		t.Fatal(err)
	}
	writes := addWhileHeld(clients, set)
	if err := heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s.outcomesOf(t, set, writes)
}

// addWhileHeld adds two values through each client, one after the other.
func addWhileHeld(clients []workload.Client, set string) []history.Op {
	const each = 2
	out := make([]history.Op, len(clients)*each)
	var all sync.WaitGroup
	for i, c := range clients {
		all.Go(func() {
			for k := range each {
				ctx, cancel := context.WithTimeout(context.Background(), heldTimeout)
				out[i*each+k] = c.Do(ctx, history.Op{Kind: history.Add, Key: set, Value: fmt.Sprintf("held%d-%d", i, k)})
				cancel()
			}
		})
	}
	all.Wait()
	return out
}

// outcomesOf compares what was reported of writes with what the set holds in the end.
func (s *suite) outcomesOf(t T, set string, writes []history.Op) heldWrites {
	t.Helper()
	c := s.client(t, s.cluster.Topology.Regions()[0], 400)
	s.mustDo(t, c, history.Op{Kind: history.Add, Key: set, Value: "after"})
	w := heldWrites{outcomes: map[history.Outcome]int{}}
	for _, op := range writes {
		w.outcomes[op.Outcome]++
	}
	if w.outcomes[history.OK] == len(writes) {
		t.Fatalf("all %d writes were acknowledged while the links of the clients were held", len(writes))
	}
	for end := time.Now().Add(lateTimeout); ; time.Sleep(50 * time.Millisecond) {
		got := s.mustDo(t, c, history.Op{Kind: history.SetRead, Key: set})
		w.appeared, w.refuted = 0, nil
		for _, op := range writes {
			if op.Outcome == history.OK || !slices.Contains(got.Set, op.Value) {
				continue
			}
			w.appeared++
			if op.Outcome == history.Failed {
				w.refuted = append(w.refuted, op.Value)
			}
		}
		if len(w.refuted) > 0 || time.Now().After(end) {
			return w
		}
	}
}
