package scenarios

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestTrace(t *testing.T) {
	const s = time.Second
	leader := topology.Selector{Role: topology.Leader}
	begun := func(id string, at, to time.Duration, nodes ...topology.NodeID) record.Fault {
		return record.Fault{
			ID: id, Nodes: nodes,
			Inject: record.Times{Planned: at, Requested: at + 10*time.Millisecond},
			Heal:   record.Times{Planned: to, Requested: to + 10*time.Millisecond},
		}
	}
	cut := func(f record.Fault, from, to topology.NodeID) record.Fault {
		f.Flows = append(f.Flows, topology.Flow{Link: topology.Link{From: topology.Endpoint{Node: from}, To: to}})
		return f
	}
	tests := map[string]struct {
		steps  []Step
		faults []record.Fault
		want   []Step
		err    string
	}{
		"a role becomes the node that had it, at the offset of then": {
			steps:  []Step{{ID: "1-kill", At: 0, For: 8 * s, On: leader}},
			faults: []record.Fault{begun("1-kill", 5*s, 13*s, "north-1")},
			want:   []Step{{ID: "1-kill", At: 10 * time.Millisecond, For: 8 * s, On: topology.Selector{Node: "north-1"}}},
		},
		"one that came to nothing is left out": {
			steps:  []Step{{ID: "1-kill", For: 8 * s, On: topology.Selector{Node: "west-*", AllowEmpty: true}}},
			faults: []record.Fault{{ID: "1-kill", Skipped: "matches no node", Inject: record.Times{Requested: record.NotReached}}},
		},
		"what waited for something waits for it again": {
			steps:  []Step{{ID: "1-kill", At: 3 * s, When: Trigger{Kind: LeaderChanged}, Within: 9 * s, For: 8 * s, On: leader}},
			faults: []record.Fault{begun("1-kill", 11*s, 19*s, "north-1")},
			want:   []Step{{ID: "1-kill", At: 3 * s, When: Trigger{Kind: LeaderChanged}, Within: 9 * s, For: 8 * s, On: topology.Selector{Node: "north-1"}}},
		},
		"a region stays a region": {
			steps:  []Step{{ID: "1-kill", At: 0, For: 8 * s, On: topology.Selector{Region: "east"}}},
			faults: []record.Fault{begun("1-kill", 5*s, 13*s, "east-1", "east-2")},
			want:   []Step{{ID: "1-kill", At: 10 * time.Millisecond, For: 8 * s, On: topology.Selector{Region: "east"}}},
		},
		"several nodes of one role become a step each": {
			steps:  []Step{{ID: "1-pause", For: 2 * s, On: topology.Selector{Role: topology.Follower}}},
			faults: []record.Fault{begun("1-pause", 5*s, 7*s, "north-1", "south-1")},
			want: []Step{
				{ID: "1-pause", At: 10 * time.Millisecond, For: 2 * s, On: topology.Selector{Node: "north-1"}},
				{ID: "1-pause-south-1", At: 10 * time.Millisecond, For: 2 * s, On: topology.Selector{Node: "south-1"}},
			},
		},
		"the far end is pinned by its links": {
			steps:  []Step{{ID: "1-partition", For: 2 * s, On: topology.Selector{Node: "east-1"}, To: leader}},
			faults: []record.Fault{cut(begun("1-partition", 5*s, 7*s, "east-1"), "east-1", "south-1")},
			want: []Step{{
				ID: "1-partition", At: 10 * time.Millisecond, For: 2 * s,
				On: topology.Selector{Node: "east-1"}, To: topology.Selector{Node: "south-1"},
			}},
		},
		"links of several nodes of one role cannot be pinned": {
			steps:  []Step{{ID: "1-isolate", On: topology.Selector{Role: topology.Follower}}},
			faults: []record.Fault{cut(begun("1-isolate", 5*s, 7*s, "north-1", "south-1"), "north-1", "east-1")},
			err:    "pin the plan to what happened: step 1-isolate cut links of 2 nodes chosen by role ([north-1 south-1]); only one can be pinned",
		},
		"what never began is left out": {
			steps:  []Step{{ID: "1-kill", On: leader}, {ID: "2-kill", On: leader}},
			faults: []record.Fault{{ID: "1-kill", Inject: record.Times{Requested: record.NotReached}}},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			r := &record.Run{Phases: []record.Phase{{Name: record.Faulty, From: 5 * s}}, Faults: tt.faults}
			got, err := Pin(Plan{Steps: tt.steps}, r)
			if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
				t.Fatalf("Trace: error %v, want %q", err, tt.err)
			}
			if err != nil {
				return
			}
			if diff := cmp.Diff(tt.want, got.Steps); diff != "" {
				t.Errorf("steps (-want +got):\n%s", diff)
			}
		})
	}
	if _, err := Pin(Plan{}, &record.Run{}); err == nil {
		t.Error("Trace of a run that never reached its timeline: no error")
	}
}
