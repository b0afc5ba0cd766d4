package protocols_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestPreferred(t *testing.T) {
	s := protocols.System{Endpoints: []protocols.Endpoint{
		{Node: "e1", Region: "east"}, {Node: "e2", Region: "east"}, {Node: "n1", Region: "north"}, {Node: "s1", Region: "south"}, {Node: "s2", Region: "south"},
	}}
	for id, want := range [][]topology.NodeID{
		{"e1", "e2", "n1", "s1", "s2"},
		{"e2", "e1", "s1", "s2", "n1"},
		{"e1", "e2", "s2", "n1", "s1"},
	} {
		var got []topology.NodeID
		for _, e := range s.Preferred(id) {
			got = append(got, e.Node)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("client %d (-want +got):\n%s", id, diff)
		}
	}
	if got := (protocols.System{}).Preferred(3); len(got) != 0 {
		t.Errorf("without endpoints: %v", got)
	}
}

func TestWithSecret(t *testing.T) {
	for in, want := range map[string]string{"": "", "plain": "plain", "Bearer {{.Secret}}": "Bearer s"} {
		if got, err := protocols.WithSecret(in, "s"); err != nil || got != want {
			t.Errorf("%q is rendered as %q, %v", in, got, err)
		}
	}
	for _, in := range []string{"{{", "{{.Password}}"} {
		if _, err := protocols.WithSecret(in, "s"); err == nil {
			t.Errorf("%q is rendered", in)
		}
	}
}

// What has no proof is unknown for a write, and a read has failed.
func TestOutcomes(t *testing.T) {
	via, why := protocols.Endpoint{Node: "n"}, protocols.FieldError{Field: "f", Message: "m", Suggestion: "s"}
	type want struct {
		outcome  history.Outcome
		rejected bool
	}
	for _, tt := range []struct {
		got  history.Op
		want want
	}{
		{protocols.NoProof(history.Op{Kind: history.Write}, via, why), want{history.Unknown, false}},
		{protocols.NoProof(history.Op{Kind: history.Read}, via, why), want{history.Failed, false}},
		{protocols.Rejected(history.Op{Kind: history.Write}, via, why), want{history.Failed, true}},
		{protocols.NotSent(history.Op{Kind: history.Write}, why), want{history.Failed, false}},
	} {
		if g := (want{tt.got.Outcome, tt.got.Rejected}); g != tt.want || tt.got.Error == "" {
			t.Errorf("got %+v (%s), want %+v", g, tt.got.Error, tt.want)
		}
	}
}
