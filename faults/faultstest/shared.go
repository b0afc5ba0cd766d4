package faultstest

import (
	"context"
	"reflect"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/faults"
)

// sharedSettings injects the same value into two clusters at the same time, heals
// one and injects into that one again. Each proof must be that of its own
// injection, and the value must be as it was.
func sharedSettings(t *testing.T, first, second *cluster.Cluster, of func(example) bool) {
	for _, e := range examples() {
		if !of(e) {
			continue
		}
		t.Run(e.name, func(t *testing.T) {
			skipUnsupported(t, first, e)
			before := shallowCopy(e.fault)
			injections := []faults.Injection{prepare(t, first, e), prepare(t, second, e)}
			forBoth(t, "inject", injections, faults.Injection.Inject)
			if err := injections[0].Heal(t.Context()); err != nil {
				t.Errorf("heal: %v", err)
			}
			awaitCleared(t, injections[0])
			awaitActive(t, injections[1])
			if observed, err := injections[0].Active(t.Context()); err == nil {
				t.Errorf("active where it was healed: %s", observed)
			}
			injections[0] = prepare(t, first, e)
			if observed, err := injections[0].Active(t.Context()); err == nil {
				t.Errorf("active before it was injected again: %s", observed)
			}
			forBoth(t, "inject", injections[:1], faults.Injection.Inject)
			awaitActive(t, injections[0])
			for _, i := range injections {
				if _, err := eventually(t.Context(), proofTimeout, func(ctx context.Context) (string, error) {
					return i.ControlUnaffected(ctx, nil)
				}); err != nil {
					t.Errorf("control: %v", err)
				}
			}
			forBoth(t, "heal", injections, faults.Injection.Heal)
			for _, i := range injections {
				awaitCleared(t, i)
			}
			everything := cmp.Exporter(func(reflect.Type) bool { return true })
			if diff := cmp.Diff(before, shallowCopy(e.fault), everything); diff != "" {
				t.Errorf("settings (-before +after):\n%s", diff)
			}
		})
	}
}

func prepare(t *testing.T, c *cluster.Cluster, e example) faults.Injection {
	t.Helper()
	awaitServing(t, c)
	return e.fault.Prepare(e.victims(t, c))
}

// forBoth does something to every injection at the same time.
func forBoth(t *testing.T, what string, all []faults.Injection, do func(faults.Injection, context.Context) error) {
	t.Helper()
	var wg sync.WaitGroup
	for _, i := range all {
		wg.Go(func() {
			if err := do(i, t.Context()); err != nil {
				t.Errorf("%s: %v", what, err)
			}
		})
	}
	wg.Wait()
}

func awaitActive(t testing.TB, i faults.Injection) {
	t.Helper()
	if _, err := eventually(t.Context(), proofTimeout, i.Active); err != nil {
		t.Errorf("not active: %v", err)
	}
}

// shallowCopy is the settings struct that a fault points to, unexported fields and all. Those of a ramp are the settings
// of the fault that grows.
func shallowCopy(f faults.Fault) any {
	if r, ok := f.(faults.Ramp); ok {
		f = r.Fault
	}
	return reflect.ValueOf(f).Elem().Interface()
}
