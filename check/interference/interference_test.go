package interference_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcp-resilience/holdfast/check/interference"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

const ms = time.Millisecond

// op was due at one instant and sent at another.
func op(due, sent time.Duration) history.Op {
	return history.Op{Kind: history.Read, Intended: due, Call: sent, Return: sent + ms, Outcome: history.OK}
}

// machine has samples of 250 ms, each with the share in which processors worked.
func machine(busy ...float64) (out []record.MachineSample) {
	for i, b := range busy {
		out = append(out, record.MachineSample{At: time.Duration(i+1) * 250 * ms, Length: 250 * ms, Busy: b, CPUPressure: b / 2})
	}
	return out
}

// waiting is a sample of four seconds in, in which the threads of a sandbox waited for a processor for a share of the time.
func waiting(node topology.NodeID, share float64) []record.MachineSample {
	return []record.MachineSample{{At: 4 * time.Second, Length: 250 * ms, Sandboxes: map[topology.NodeID]record.SandboxSample{node: {Length: time.Second, Waited: share}}}}
}

func TestFind(t *testing.T) {
	window := func(from, to time.Duration, c record.Cause) interference.Window {
		return interference.Window{Span: record.Span{From: from, To: to}, Cause: c}
	}
	stalled := record.Event{At: 5 * time.Second, Source: record.FromEngine, Kind: record.EventSandboxStalled, Node: "east-1", Fields: map[string]string{record.FieldFor: "3s"}}
	final := op(0, time.Second)
	final.Final = true
	for _, c := range []struct {
		name    string
		ops     []history.Op
		machine []record.MachineSample
		events  []record.Event
		want    []interference.Window
	}{
		{name: "punctual", ops: []history.Op{op(0, 0), op(10*ms, 110*ms)}},
		{name: "final reads have no schedule", ops: []history.Op{final}},
		{name: "one window of what was sent late together", ops: []history.Op{op(50*ms, time.Second), op(0, time.Second), op(900*ms, 1001*ms)}, want: []interference.Window{window(0, 2002*ms, record.CauseHarness)}},
		{name: "two that are apart", ops: []history.Op{op(0, 200*ms), op(1800*ms, 2*time.Second)}, want: []interference.Window{window(0, 700*ms, record.CauseHarness), window(1800*ms, 2500*ms, record.CauseHarness)}},
		{name: "late on a busy machine", ops: []history.Op{op(0, 200*ms)}, machine: machine(1, 0.1), want: []interference.Window{window(0, 700*ms, record.CauseEnvironment)}},
		{name: "a peak", machine: machine(0.4, 1, 1, 1, 0.4)},
		{name: "starved", machine: machine(0.4, 1, 1, 1, 1, 0.4), want: []interference.Window{window(250*ms, 1250*ms, record.CauseEnvironment)}},
		{name: "starved but for one sample", machine: machine(1, 1, 0.5, 1, 1), want: []interference.Window{window(0, 1250*ms, record.CauseEnvironment)}},
		{name: "a link proxy that stood still", events: []record.Event{stalled}, want: []interference.Window{window(2*time.Second, 5*time.Second, record.CauseHarness)}},
		{name: "a link proxy that stood still for want of a processor", events: []record.Event{stalled}, machine: waiting("east-1", 0.8), want: []interference.Window{window(2*time.Second, 5*time.Second, record.CauseEnvironment)}},
		{name: "a link proxy that stood still while another one waited", events: []record.Event{stalled}, machine: waiting("north-1", 0.8), want: []interference.Window{window(2*time.Second, 5*time.Second, record.CauseHarness)}},
		{name: "a link proxy that waits and does not stand still", machine: waiting("east-1", 0.8)},
		{name: "late in a starved stretch", ops: []history.Op{op(300*ms, 1500*ms)}, machine: machine(0.4, 1, 1, 1, 1, 0.4), want: []interference.Window{window(250*ms, 2700*ms, record.CauseEnvironment)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := interference.Find(&record.Run{Ops: c.ops, Machine: c.machine, Events: c.events}, 100*ms)
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(interference.Window{}, "Late", "Worst", "Busy", "Pressure", "Stalled", "Starved")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestTouches(t *testing.T) {
	windows := []interference.Window{{Span: record.Span{From: 10, To: 20}}, {Span: record.Span{From: 30, To: 40}}}
	for _, c := range []struct {
		from, to time.Duration
		want     bool
	}{{0, 10, false}, {0, 11, true}, {15, 16, true}, {20, 30, false}, {19, 30, true}, {25, 50, true}, {40, 50, false}} {
		if got := interference.Touches(windows, c.from, c.to); got != c.want {
			t.Errorf("Touches(%d, %d) = %v", c.from, c.to, got)
		}
	}
}
