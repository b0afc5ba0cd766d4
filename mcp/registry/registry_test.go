package registry_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/testing/protocmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/registry"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func control(region, role string, term uint64) state.Registration {
	return state.Registration{Region: region, Roles: []string{"control"}, Incarnation: "monday", Offers: []state.Offer{
		{Service: "control", Port: 7400, Role: role, Term: term},
	}}
}

func TestWhatIsListed(t *testing.T) {
	bus := state.Registration{Region: "north", Roles: []string{"bus"}, Incarnation: "monday", Offers: []state.Offer{{Service: "bus", Port: 7400, Role: registry.Serving}}}
	service := func(name, node, region, role string, down bool) *api.Service {
		return &api.Service{Name: name, Node: node, Region: region, Port: 7400, Role: role, Incarnation: "monday", Down: down}
	}
	for _, tc := range []struct {
		name    string
		said    map[string]state.Registration
		lost    []string
		removed string
		service string
		want    []*api.Service
	}{
		{
			"one service, by node",
			map[string]state.Registration{"south-1": control("south", "follower", 0), "north-bus": bus, "east-1": control("east", "leader", 4)},
			nil, "", "control",
			[]*api.Service{service("control", "east-1", "east", "leader", false), service("control", "south-1", "south", "follower", false)},
		},
		{
			"all services",
			map[string]state.Registration{"north-bus": bus, "east-1": control("east", "leader", 4)},
			nil, "", "",
			[]*api.Service{service("bus", "north-bus", "north", "serving", false), service("control", "east-1", "east", "leader", false)},
		},
		{
			"the lost are down",
			map[string]state.Registration{"north-bus": bus},
			[]string{"north-bus"},
			"", "bus",
			[]*api.Service{service("bus", "north-bus", "north", "serving", true)},
		},
		{
			"who died as leader leads no more once another does",
			map[string]state.Registration{"east-1": control("east", "leader", 4), "south-1": control("south", "leader", 5)},
			[]string{"east-1"},
			"", "control",
			[]*api.Service{service("control", "east-1", "east", "follower", true), service("control", "south-1", "south", "leader", false)},
		},
		{
			"who was removed is not listed, nor takes its term anybody's lead away",
			map[string]state.Registration{"east-1": control("east", "leader", 9), "south-1": control("south", "leader", 5)},
			nil, "east-1", "control",
			[]*api.Service{service("control", "south-1", "south", "leader", false)},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := state.New()
			index := uint64(0)
			apply := func(c *api.Command) { index++; s.Apply(index, 1, c) }
			for node, r := range tc.said {
				apply(r.Command(node))
			}
			apply(&api.Command{Do: &api.Command_Decision{Decision: &api.Decision{Lost: tc.lost}}})
			d := &registry.Directory{
				Node: "north-1", State: s,
				Members: func() map[string]string {
					members := map[string]string{"east-1": "east", "north-bus": "north", "south-1": "south"}
					delete(members, tc.removed)
					return members
				},
				HasLeader: func() bool { return tc.lost == nil },
			}
			got, err := d.Services(t.Context(), &api.ServicesRequest{Service: tc.service})
			if err != nil {
				t.Fatal(err)
			}
			want := &api.ServicesReply{Node: "north-1", Revision: index, Stale: tc.lost != nil, Services: tc.want}
			if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
				t.Errorf("services (-want +got):\n%s", diff)
			}
		})
	}
}

// world is a log without a cluster, and who this node is at the moment.
type world struct {
	mu       sync.Mutex
	state    *state.State
	index    uint64
	self     state.Registration
	cut      bool
	reported []string
}

func (w *world) apply(c *api.Command) {
	w.index++
	w.state.Apply(w.index, 1, c)
}

func (w *world) Once(_ context.Context, c *api.Command) (*api.Applied, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut {
		return nil, errors.New("no leader known")
	}
	w.apply(c)
	return &api.Applied{Index: w.index}, nil
}

func (w *world) edit(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *world) commits() (n uint64) {
	w.edit(func() { n = w.index })
	return n
}

func (w *world) events() (out []string) {
	w.edit(func() { out = append(out, w.reported...) })
	return out
}

func TestANodeKeepsItsRegistrationTrue(t *testing.T) {
	w := &world{state: state.New(), self: control("east", "follower", 0), cut: true}
	r := &registry.Registrar{
		Node: "east-1", State: w.state, Commit: w.Once,
		Self: func() (now state.Registration) { w.edit(func() { now = w.self }); return now },
		Note: func(_ events.Kind, description string, _ map[string]string) {
			w.edit(func() { w.reported = append(w.reported, description) })
		},
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	defer func() { cancel(); <-done }()
	registered := func(role string, term uint64) func() bool {
		return func() bool { return cmp.Equal(w.state.Registry()["east-1"], control("east", role, term)) }
	}
	if len(w.events()) > 0 {
		t.Errorf("reported %q before anything was committed", w.events())
	}
	w.edit(func() { w.cut = false })
	await(t, "it is registered once there is a leader", registered("follower", 0))
	await(t, "that the change was reported", func() bool { return len(w.events()) == 1 })
	w.edit(func() { w.self = control("east", "leader", 7) })
	await(t, "a change of role is registered", registered("leader", 7))
	await(t, "that the second change was reported", func() bool { return len(w.events()) == 2 })
	w.edit(func() { w.apply(control("east", "follower", 0).Command("east-1")) }) // a late entry of an earlier life, say
	await(t, "what is wrong is put right", registered("leader", 7))

	before := w.commits()
	time.Sleep(300 * time.Millisecond) // several looks at which nothing must happen
	if after := w.commits(); after != before {
		t.Errorf("%d commits although nothing changed", after-before)
	}
	want := []string{"east-1 is registered: control follower", "east-1 is registered: control leader of term 7"}
	if diff := cmp.Diff(want, w.events()); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 10 s until %s", what)
		}
	}
}
