package docker_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// linux finds programs for containers.
const linux = build.Builder("linux")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// needEngine skips where no engine answers, except where that would hide a
// broken CI machine.
func needEngine(t *testing.T) {
	t.Helper()
	err := docker.Check(t.Context())
	if err == nil {
		return
	}
	if os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// witness is a node that answers with what it sees of its container.
func witness(id topology.NodeID, peers string) topology.Node {
	region, _, _ := strings.Cut(string(id), "-")
	return topology.Node{
		ID: id, Region: topology.Region(region), Ports: []topology.Port{{Name: "http", Number: 7400}},
		Program: topology.Program{
			Package: build.Module + "/cluster/docker/testdata/witness",
			Args:    []string{"{{.Host}}:7400", "{{.Name}}", "{{.Region}}"},
			Env:     map[string]string{"DATA": "{{.Data}}", "PEERS": peers},
			Grace:   time.Second,
		},
	}
}

// pair is two regions of one witness each.
func pair() topology.Topology {
	return topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east", Weight: 1}, {Region: "north", Weight: 1}},
		Nodes:       []topology.Node{witness("east-1", "north-1"), witness("north-1", "east-1")},
	}
}

// open opens a runtime that is closed with the test.
func open(t *testing.T, top topology.Topology) (*docker.Runtime, string) {
	t.Helper()
	run := "test-" + strings.ToLower(rand.Text()[:10])
	r, err := docker.Open(t.Context(), cluster.Spec{Run: run, Topology: top, Linkd: linkd(t), Binary: linux.Build})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("close: %v", err)
		}
		left, err := docker.Runs(context.WithoutCancel(t.Context()))
		if err != nil || strings.Contains(strings.Join(left, " "), run) {
			t.Errorf("after close of %s the engine still has runs %v (%v)", run, left, err)
		}
	})
	return r, run
}

func linkd(t *testing.T) string {
	t.Helper()
	bin, err := linux.Linkd(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// started is pods and nodes that run, and open links.
func started(t *testing.T, r *docker.Runtime, top topology.Topology) ([]links.Server, []cluster.Process) {
	t.Helper()
	servers, procs := make([]links.Server, len(top.Nodes)), make([]cluster.Process, len(top.Nodes))
	var g errgroup.Group
	for i, n := range top.Nodes {
		g.Go(func() (err error) {
			sandbox, err := r.StartSandbox(t.Context(), n)
			if err != nil {
				return fmt.Errorf("links of %s: %w", n.ID, err)
			}
			servers[i] = sandbox.Server()
			procs[i], err = r.Start(t.Context(), n)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
	if err := links.New(top, servers, nil).Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return servers, procs
}

// eventually polls until want holds, and fails the test after half a minute.
func eventually(t *testing.T, what string, holds func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = holds(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

func TestConformance(t *testing.T) {
	needEngine(t)
	clustertest.Conformance(t, docker.Driver(), docker.Leftovers)
}
