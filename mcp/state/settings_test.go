package state_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func put(id, key, value string) *api.Command {
	return &api.Command{Id: id, Do: &api.Command_SettingPut{SettingPut: &api.SettingPut{Key: key, Value: value}}}
}

func remove(id, key string) *api.Command {
	return &api.Command{Id: id, Do: &api.Command_SettingPut{SettingPut: &api.SettingPut{Key: key, Delete: true}}}
}

// The n-th command has index n.
func TestSettings(t *testing.T) {
	commands := []*api.Command{
		put("a", "gateway/rate", "100"), write("b", "x", "1"), put("c", "gateway/burst", "5"), put("d", "dns/ttl", "2s"),
		put("e", "gateway/rate", "200"), remove("f", "gateway/burst"), remove("g", "nobody"), put("a", "gateway/rate", "100"),
	}
	rate, ttl := state.Setting{Key: "gateway/rate", Value: "200", Revision: 5}, state.Setting{Key: "dns/ttl", Value: "2s", Revision: 4}
	gone := state.Setting{Key: "gateway/burst", Revision: 6, Deleted: true}
	for _, tc := range []struct {
		name   string
		prefix string
		after  uint64
		want   []state.Setting
		whole  bool
	}{
		{"everything", "", 0, []state.Setting{ttl, rate}, true},
		{"of a prefix", "gateway/", 0, []state.Setting{rate}, true},
		{"what came after", "", 4, []state.Setting{rate, gone}, false},
		{"each change, also those overwritten since", "gateway/", 1, []state.Setting{{Key: "gateway/burst", Value: "5", Revision: 3}, rate, gone}, false},
		{"nothing new", "", 6, nil, false},
		{"somebody who knows more", "", 99, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := state.New()
			for i, c := range commands {
				s.Apply(uint64(i+1), 1, c)
			}
			got, whole, index := s.SettingsAfter(tc.prefix, tc.after)
			if diff := cmp.Diff(tc.want, got); diff != "" || whole != tc.whole || index != 8 {
				t.Errorf("whole %v at %d, want %v at 8 (-want +got):\n%s", whole, index, tc.whole, diff)
			}
			if one, ok, _ := s.Setting("gateway/rate"); !ok || one != rate {
				t.Errorf("gateway/rate is %v, %v", one, ok)
			}
			if one, ok, _ := s.Setting("gateway/burst"); ok {
				t.Errorf("gateway/burst was deleted, and is %v", one)
			}
		})
	}
}

// A watcher that was away for too long gets all settings, and never a part of the changes.
func TestTheOldestChangesAreCompacted(t *testing.T) {
	s := state.New()
	const more = 10
	for i := range state.RecentChanges + more {
		s.Apply(uint64(i+1), 1, put("", fmt.Sprint("k", i), "v"))
	}
	for after, wholly := range map[uint64]bool{more - 1: true, more: false, more + 1: false} {
		got, whole, _ := s.SettingsAfter("", after)
		want := state.RecentChanges + more - int(after)
		if wholly {
			want = state.RecentChanges + more
		}
		if whole != wholly || len(got) != want {
			t.Errorf("after %d: %d settings, whole %v; want %d, %v", after, len(got), whole, want, wholly)
		}
	}
}

func TestASnapshotHoldsTheSettings(t *testing.T) {
	s := state.New()
	s.Apply(1, 1, put("a", "x", "1"))
	s.Apply(2, 1, put("b", "y", "2"))
	s.Apply(3, 1, remove("c", "y"))
	snapshot := s.Snapshot()
	s.Apply(4, 1, put("d", "x", "later"))
	var saved bytes.Buffer
	if err := snapshot.Write(&saved); err != nil {
		t.Fatal(err)
	}
	restored := state.New()
	if err := restored.Restore(&saved); err != nil {
		t.Fatal(err)
	}
	got, whole, index := restored.SettingsAfter("", 1)
	want := []state.Setting{{Key: "y", Value: "2", Revision: 2}, {Key: "y", Revision: 3, Deleted: true}}
	if diff := cmp.Diff(want, got); diff != "" || whole || index != 3 {
		t.Errorf("whole %v at %d (-want +got):\n%s", whole, index, diff)
	}
	all, _ := restored.Settings("")
	if diff := cmp.Diff([]state.Setting{{Key: "x", Value: "1", Revision: 1}}, all); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}
