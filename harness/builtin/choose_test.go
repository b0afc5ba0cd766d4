package builtin

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets/mcp"
)

func kind(name string, check error) cluster.Driver {
	return cluster.Driver{Name: name, Check: func(context.Context) error { return check }}
}

func TestChoose(t *testing.T) {
	dead := errors.New("no container engine answers")
	type answer struct{ Kind, Why, Err string }
	tests := map[string]struct {
		name  string
		kinds []cluster.Driver
		want  answer
	}{
		"auto takes the first that works": {
			Auto,
			[]cluster.Driver{kind("docker", nil), kind("local", nil)},
			answer{Kind: "docker", Why: "it works here and is the first choice"},
		},
		"no name is auto, and the reason says what kept docker out": {
			"",
			[]cluster.Driver{kind("docker", dead), kind("local", nil)},
			answer{Kind: "local", Why: "because docker cannot be used: no container engine answers"},
		},
		"a named one that does not work is not replaced": {
			"docker",
			[]cluster.Driver{kind("docker", dead), kind("local", nil)},
			answer{Err: "runtime docker cannot be used here: no container engine answers"},
		},
		"a named one": {
			"local",
			[]cluster.Driver{kind("docker", nil), kind("local", nil)},
			answer{Kind: "local", Why: "asked for"},
		},
		"a mistyped one": {
			"dokcer",
			[]cluster.Driver{kind("docker", nil), kind("local", nil)},
			answer{Err: `there is no runtime "dokcer"; there are auto, docker, local; did you mean "docker"?`},
		},
		"none works": {
			Auto,
			[]cluster.Driver{kind("docker", dead)},
			answer{Err: "runtime auto cannot be used here: docker cannot be used: no container engine answers"},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			k, why, err := choose(t.Context(), tt.name, tt.kinds)
			got := answer{Kind: k.Name, Why: why}
			if err != nil {
				got.Err = err.Error()
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("choose(%q) (-want +got):\n%s", tt.name, diff)
			}
		})
	}
}

// The names in stock are what scenario files and flags say.
func TestTarget(t *testing.T) {
	for _, want := range []string{"mcp", "etcd"} {
		got, err := Target(want)
		if err != nil || got.Name() != want {
			t.Errorf("Target(%q) = %v, %v", want, got, err)
		}
	}
	_, err := Target("ectd")
	want := `there is no target "ectd"; there are mcp, etcd; did you mean "etcd"?`
	if err == nil || err.Error() != want {
		t.Errorf("Target(ectd) = %v, want %s", err, want)
	}
}

// A target of the caller's own needs no place in stock, and may stand in for one.
func TestOwnTarget(t *testing.T) {
	if got, err := Target("mine", mine{}); err != nil || got != (mine{}) {
		t.Errorf("Target(mine) = %v, %v", got, err)
	}
	if got, err := Target("mcp", mine{}); err != nil || got.Name() != "mcp" {
		t.Errorf("Target(mcp) = %v, %v", got, err)
	}
	p, err := Resolve(scenarios.Scenario{Name: "twin", Target: "mine", Steps: []scenarios.StepSpec{}}, 1, mine{})
	if err != nil || len(p.Topology.Nodes) == 0 {
		t.Errorf("Resolve on mine: %v, %+v", err, p.Topology)
	}
	if _, err := Resolve(scenarios.Scenario{Name: "twin", Target: "mine", Steps: []scenarios.StepSpec{}}, 1); err == nil {
		t.Error("mine is known without being handed over")
	}
}

type mine struct{ mcp.Target }

func (mine) Name() string { return "mine" }
