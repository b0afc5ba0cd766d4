package etcd_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/targets/targettest"
	"github.com/mcp-resilience/holdfast/topology"
)

// linux finds programs for containers.
const linux = build.Builder("linux")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestInContainers(t *testing.T) {
	needEngine(t)
	top, err := etcd.Target{}.Topology(topology.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	// The first build takes a minute and more, which is not part of a start.
	if _, err := linux.Build(t.Context(), top.Nodes[0].Program); err != nil {
		t.Fatal(err)
	}
	targettest.Run(t, etcd.Target{}, docker.Driver(), topology.Spec{})
}

func TestTheLocalRuntimeSaysWhyItCannot(t *testing.T) {
	top, err := etcd.Target{}.Topology(topology.Spec{Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	_, err = local.Driver().Open(context.Background(), cluster.Spec{Run: "never", Topology: top, Dir: t.TempDir()})
	var no cluster.Unsupported
	if !errors.As(err, &no) || !strings.Contains(no.Reason, "/etc/hosts") {
		t.Errorf("got %v, want Unsupported for want of an /etc/hosts", err)
	}
}

func TestShapesThatThereAreNot(t *testing.T) {
	for name, c := range map[string]struct {
		shape topology.Spec
		want  string
	}{
		"two a region":      {topology.Spec{Nodes: 2}, "allowed are 1, 3, 5"},
		"unknown profile":   {topology.Spec{Profile: "lan"}, "known are default, wan"},
		"any defect at all": {topology.Spec{Defects: []string{"amnesia"}}, `no "amnesia"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := (etcd.Target{}).Topology(c.shape); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
