package local_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/local"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestLocalConforms(t *testing.T) {
	clustertest.Conformance(t, local.Driver(), func(ctx context.Context, run string) ([]string, error) {
		runs, err := local.Runs(ctx)
		return slices.DeleteFunc(runs, func(r string) bool { return r != run }), err
	})
}

// memoryLog keeps its entries, with each pid as PID.
type memoryLog struct {
	mu  sync.Mutex
	all []string
}

var pid = regexp.MustCompile(`^[0-9]+:[0-9]+$`)

func (j *memoryLog) Append(e cluster.CleanupEntry) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.all = append(j.all, fmt.Sprintf("%s %s, %s", e.What, pid.ReplaceAllString(e.ID, "PID"), e.Undo))
	return nil
}

// The clean-up log has the intent first and then the pid, at each start.
func TestJournal(t *testing.T) {
	linkd, err := build.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	top := clustertest.Topology(1)
	top.Nodes = top.Nodes[:1]
	var j memoryLog
	spec := cluster.Spec{
		Run: "cleanup-log", Topology: top, Dir: t.TempDir(), Binary: build.Build, Linkd: linkd, CleanupLog: &j,
	}
	rt, err := local.Open(t.Context(), spec)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cluster.Start(t.Context(), rt, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"process not started yet, linkd of east-1: nothing, unless a process carries HOLDFAST_RUN=cleanup-log",
		"process PID, linkd of east-1: kill the process",
		"process not started yet, node of east-1: nothing, unless a process carries HOLDFAST_RUN=cleanup-log",
		"process PID, node of east-1: kill the process",
	}
	if diff := cmp.Diff(want, j.all); diff != "" {
		t.Errorf("clean-up log (-want +got)\n%s", diff)
	}
}
