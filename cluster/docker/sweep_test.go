package docker_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/cluster/docker"
)

func TestSweepTakesOneRunAndSparesTheOther(t *testing.T) {
	needEngine(t)
	top := pair()
	doomed, run := open(t, top)
	_, procs := started(t, doomed, top)
	other, otherRun := open(t, top)
	_, spared := started(t, other, top)
	if err := procs[0].Signal(t.Context(), cluster.Pause); err != nil {
		t.Fatal(err)
	}

	runs, err := docker.Runs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []string{run, otherRun} {
		if !slices.Contains(runs, r) {
			t.Errorf("runs %v lack %s", runs, r)
		}
	}
	if id, ok := docker.Owner(t.Context(), run); !ok || id != cleanup.Self() {
		t.Errorf("owner of %s is %v, %v, want this process", run, id, ok)
	}
	removed, err := docker.Sweep(t.Context(), run)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(removed)
	name := "holdfast-" + run
	if diff := cmp.Diff([]string{
		"container " + name + "-east-1", "container " + name + "-east-1-sandbox",
		"container " + name + "-north-1", "container " + name + "-north-1-sandbox",
		"network " + name,
	}, removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	for _, p := range spared {
		wantCondition(t, p, cluster.Running)
	}
	if again, err := docker.Sweep(t.Context(), run); err != nil || len(again) != 0 {
		t.Errorf("a second sweep removed %v, %v, want nothing", again, err)
	}
}

func TestOpenThatFailsLeavesNothing(t *testing.T) {
	needEngine(t)
	const missing = "127.0.0.1:1/nobody/has-this:1"
	broken := pair()
	broken.Nodes[1].Program.Image = missing
	for name, c := range map[string]struct {
		spec cluster.Spec
		want string
	}{
		"no linkd":                       {cluster.Spec{Topology: pair(), Linkd: "/nonexistent/linkd", Binary: linux.Build}, "/nonexistent/linkd"},
		"an image that cannot be pulled": {cluster.Spec{Topology: broken, Linkd: linkd(t), Binary: linux.Build}, "image " + missing + " is not here and cannot be pulled"},
	} {
		t.Run(name, func(t *testing.T) {
			c.spec.Run = "test-fails"
			rt, err := docker.Driver().Open(t.Context(), c.spec)
			if err == nil || rt != nil || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("got %v, %v, want an error with %q", rt, err, c.want)
			}
			left, err := docker.Runs(context.WithoutCancel(t.Context()))
			if err != nil || slices.Contains(left, "test-fails") {
				t.Errorf("left behind: %v (%v)", left, err)
			}
		})
	}
}

func TestAStartThatIsBrokenOffLeavesNothing(t *testing.T) {
	needEngine(t)
	top := pair()
	r, _ := open(t, top) // whose clean-up looks for what is left
	for i, n := range top.Nodes {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+40*i)*time.Millisecond)
		defer cancel()
		if _, err := r.StartSandbox(ctx, n); err == nil {
			t.Logf("%s was ready before it could be broken off", n.ID)
		}
	}
}
