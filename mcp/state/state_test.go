package state_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func write(id, key, value string) *api.Command {
	return &api.Command{Id: id, Do: &api.Command_Write{Write: &api.WriteRequest{Key: key, Value: value}}}
}

func swap(id, key, expect, value string) *api.Command {
	return &api.Command{Id: id, Do: &api.Command_CompareAndSet{
		CompareAndSet: &api.CompareAndSetRequest{Key: key, Expect: expect, Value: value},
	}}
}

func add(id, set, member string) *api.Command {
	return &api.Command{Id: id, Do: &api.Command_Add{Add: &api.AddRequest{Set: set, Member: member}}}
}

func TestCommands(t *testing.T) {
	for _, tc := range []struct {
		name     string
		commands []*api.Command
		last     *api.Applied // of the last command; the n-th has index n, all have term 3
		x        string
		members  []string
	}{
		{
			"a write is read",
			[]*api.Command{write("a", "x", "1"), write("b", "x", "2")},
			&api.Applied{Index: 2, Term: 3}, "2", nil,
		},
		{
			"a retry of a write that was overwritten since changes nothing",
			[]*api.Command{write("a", "x", "1"), write("b", "x", "2"), write("a", "x", "1")},
			&api.Applied{Index: 1, Term: 3, Duplicate: true}, "2", nil,
		},
		{
			"compare-and-set of what is there",
			[]*api.Command{write("a", "x", "1"), swap("b", "x", "1", "2")},
			&api.Applied{Index: 2, Term: 3, Swapped: true}, "2", nil,
		},
		{
			"compare-and-set of what is not there",
			[]*api.Command{write("a", "x", "1"), swap("b", "x", "0", "2")},
			&api.Applied{Index: 2, Term: 3}, "1", nil,
		},
		{
			"a retried compare-and-set says what the first did",
			[]*api.Command{swap("a", "x", "", "1"), swap("a", "x", "", "1")},
			&api.Applied{Index: 1, Term: 3, Swapped: true, Duplicate: true}, "1", nil,
		},
		{
			"a set holds each member once, sorted",
			[]*api.Command{add("a", "s", "b"), add("b", "s", "a"), add("c", "s", "b")},
			&api.Applied{Index: 3, Term: 3}, "",
			[]string{"a", "b"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := state.New()
			var last *api.Applied
			for i, c := range tc.commands {
				last = s.Apply(uint64(i+1), 3, c)
			}
			if diff := cmp.Diff(tc.last, last, protocmp.Transform()); diff != "" {
				t.Errorf("last reply (-want +got):\n%s", diff)
			}
			x, at := s.Read("x")
			if x != tc.x || at != uint64(len(tc.commands)) {
				t.Errorf("x is %q at %d, want %q at %d", x, at, tc.x, len(tc.commands))
			}
			members, _ := s.Members("s")
			if diff := cmp.Diff(tc.members, members); diff != "" {
				t.Errorf("members (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTransfers(t *testing.T) {
	open := &api.Command{Id: "o", Do: &api.Command_OpenAccounts{OpenAccounts: &api.OpenAccounts{Bank: "b", Accounts: []string{"x", "y"}, Balance: 10}}}
	transfer := func(id, bank, from, to string, amount int64) *api.Command {
		return &api.Command{Id: id, Do: &api.Command_Transfer{Transfer: &api.Transfer{Bank: bank, From: from, To: to, Amount: amount}}}
	}
	for _, tc := range []struct {
		name     string
		commands []*api.Command // after the opening
		last     *api.Applied
		want     map[string]int64
	}{
		{"an opening", nil, &api.Applied{Index: 1, Term: 3, Swapped: true}, map[string]int64{"x": 10, "y": 10}},
		{
			"an opening of what is open",
			[]*api.Command{transfer("t", "b", "x", "y", 3), {Id: "p", Do: open.Do}},
			&api.Applied{Index: 3, Term: 3},
			map[string]int64{"x": 7, "y": 13},
		},
		{
			"all that there is",
			[]*api.Command{transfer("t", "b", "x", "y", 10)},
			&api.Applied{Index: 2, Term: 3, Swapped: true},
			map[string]int64{"x": 0, "y": 20},
		},
		{
			"more than there is",
			[]*api.Command{transfer("t", "b", "x", "y", 11)},
			&api.Applied{Index: 2, Term: 3, Reason: "account x holds 10, less than 11"},
			map[string]int64{"x": 10, "y": 10},
		},
		{
			"a retry of what was not done, when it could be",
			[]*api.Command{
				transfer("t", "b", "x", "y", 11), transfer("u", "b", "y", "x", 5), transfer("t", "b", "x", "y", 11),
			},
			&api.Applied{Index: 2, Term: 3, Reason: "account x holds 10, less than 11", Duplicate: true},
			map[string]int64{"x": 15, "y": 5},
		},
		{
			"a retry of what was done",
			[]*api.Command{transfer("t", "b", "x", "y", 4), transfer("t", "b", "x", "y", 4)},
			&api.Applied{Index: 2, Term: 3, Swapped: true, Duplicate: true},
			map[string]int64{"x": 6, "y": 14},
		},
		{
			"to nobody",
			[]*api.Command{transfer("t", "b", "x", "z", 4)},
			&api.Applied{Index: 2, Term: 3, Reason: "bank b has no account z"},
			map[string]int64{"x": 10, "y": 10},
		},
		{
			"from nowhere",
			[]*api.Command{transfer("t", "c", "x", "y", 4)},
			&api.Applied{Index: 2, Term: 3, Reason: "bank c is not open"},
			map[string]int64{"x": 10, "y": 10},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := state.New()
			last := s.Apply(1, 3, open)
			for i, c := range tc.commands {
				last = s.Apply(uint64(i+2), 3, c)
			}
			if diff := cmp.Diff(tc.last, last, protocmp.Transform()); diff != "" {
				t.Errorf("last reply (-want +got):\n%s", diff)
			}
			balances, _ := s.Snapshot().State().Balances("b")
			if diff := cmp.Diff(tc.want, balances); diff != "" {
				t.Errorf("balances (-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdsAreForgottenOldestFirst(t *testing.T) {
	s := state.New()
	for i := range state.RememberedIDs + 1 {
		s.Apply(uint64(i+1), 1, write(fmt.Sprint(i), "x", fmt.Sprint(i)))
	}
	if a := s.Apply(1e6, 1, write("1", "x", "again")); !a.Duplicate {
		t.Error("the oldest id inside the window is forgotten")
	}
	if a := s.Apply(1e6+1, 1, write("0", "x", "again")); a.Duplicate {
		t.Error("an id outside the window is remembered: the window has no bound")
	}
}

func TestASnapshotRestoresEverything(t *testing.T) {
	s := state.New()
	for i, c := range []*api.Command{
		write("a", "x", "1"), add("b", "s", "m"), swap("c", "y", "", "2"),
		{Do: &api.Command_Suspicions{Suspicions: &api.Suspicions{Reporter: "north-1", Suspects: []string{"east-1"}, Known: []string{"east-1", "south-1"}}}},
		{Do: &api.Command_Decision{Decision: &api.Decision{Lost: []string{"east-1"}, WeightQuarters: map[string]uint32{"east": 0}}}},
	} {
		s.Apply(uint64(i+1), 2, c)
	}
	registered := state.Registration{Region: "east", Roles: []string{"control"}, Incarnation: "monday", Offers: []state.Offer{{Service: "control", Port: 7400, Role: "leader", Term: 2}}}
	s.Apply(6, 2, registered.Command("east-1"))
	snapshot := s.Snapshot()
	s.Apply(9, 2, write("d", "x", "later"))

	var saved bytes.Buffer
	if err := snapshot.Write(&saved); err != nil {
		t.Fatal(err)
	}
	restored := state.New()
	restored.Apply(1, 1, write("z", "z", "gone after restore"))
	if err := restored.Restore(&saved); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{"x": "1", "y": "2", "z": ""} {
		if got, at := restored.Read(key); got != want || at != 6 {
			t.Errorf("restored %s is %q at %d, want %q at 6", key, got, at, want)
		}
	}
	if a := restored.Apply(10, 2, swap("c", "y", "2", "3")); !a.Duplicate || !a.Swapped {
		t.Errorf("a retry after a restore is %v; want a duplicate that swapped", a)
	}
	if diff := cmp.Diff(map[string]state.Registration{"east-1": registered}, restored.Registry()); diff != "" {
		t.Errorf("registry (-want +got):\n%s", diff)
	}
	want := state.HealthView{
		Suspects: map[string][]string{"north-1": {"east-1"}},
		Known:    map[string][]string{"north-1": {"east-1", "south-1"}},
		Lost:     []string{"east-1"}, WeightQuarters: map[string]uint32{"east": 0},
	}
	if diff := cmp.Diff(want, restored.HealthView()); diff != "" {
		t.Errorf("standing (-want +got):\n%s", diff)
	}
}

func TestWeights(t *testing.T) {
	base := map[string]int{"east": 70, "north": 20, "south": 10}
	for _, tc := range []struct {
		name     string
		quarters map[string]uint32
		want     map[string]int
	}{
		{"all is well", nil, map[string]int{"east": 70, "north": 20, "south": 10}},
		{"the main region is lost", map[string]uint32{"east": 0}, map[string]int{"east": 0, "north": 67, "south": 33}},
		{"and comes back in steps", map[string]uint32{"east": 1}, map[string]int{"east": 37, "north": 42, "south": 21}},
		{"nobody is left", map[string]uint32{"east": 0, "north": 0, "south": 0}, map[string]int{"east": 0, "north": 0, "south": 0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if diff := cmp.Diff(tc.want, state.HealthView{WeightQuarters: tc.quarters}.Weights(base)); diff != "" {
				t.Errorf("weights (-want +got):\n%s", diff)
			}
		})
	}
}

// The first promotion of an epoch counts; one of an older epoch changes nothing.
func TestPromotions(t *testing.T) {
	s := state.New()
	for i, p := range []*api.Promotion{
		{Class: api.Class_SEMISYNC, Epoch: 2, Primary: "a", Incarnation: "1"},
		{Class: api.Class_SEMISYNC, Epoch: 2, Primary: "b", Incarnation: "2"},
		{Class: api.Class_SEMISYNC, Epoch: 1, Primary: "c", Incarnation: "3"},
		{Class: api.Class_ASYNC, Epoch: 1, Primary: "d", Incarnation: "4"},
	} {
		s.Apply(uint64(i+1), 1, &api.Command{Do: &api.Command_Promotion{Promotion: p}})
	}
	again := state.New()
	var snapshot bytes.Buffer
	if err := s.Snapshot().Write(&snapshot); err != nil {
		t.Fatal(err)
	}
	if err := again.Restore(&snapshot); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*state.State{s, again} {
		got := []state.PrimaryTerm{s.Primary(api.Class_SEMISYNC), s.Primary(api.Class_ASYNC)}
		want := []state.PrimaryTerm{{Epoch: 2, Primary: "a", Incarnation: "1"}, {Epoch: 1, Primary: "d", Incarnation: "4"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("primaries (-want +got):\n%s", diff)
		}
	}
}
