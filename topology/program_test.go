package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/topology"
)

func TestRender(t *testing.T) {
	v := topology.TemplateVars{Name: "east-1", Region: "east", Host: "10.0.0.2", Data: "/data"}
	p := topology.Program{
		Args: []string{"--name={{.Name}}", "--listen=http://{{.Host}}:1", "--plain"},
		Env:  map[string]string{"B": "{{.Region}}", "A": "{{.Data}}/x"},
	}
	args, env, err := p.Render(v)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"--name=east-1", "--listen=http://10.0.0.2:1", "--plain"}, args); diff != "" {
		t.Errorf("args (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"A=/data/x", "B=east"}, env); diff != "" {
		t.Errorf("env (-want +got):\n%s", diff)
	}
}

func TestRenderQuotesWhatIsWrong(t *testing.T) {
	for name, p := range map[string]topology.Program{
		"does not parse":   {Args: []string{"--x={{.Name"}},
		"unknown variable": {Env: map[string]string{"X": "{{.Nmae}}"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := p.Render(topology.TemplateVars{Name: "east-1"})
			if err == nil || !strings.Contains(err.Error(), "east-1") || !strings.Contains(err.Error(), "{{.N") {
				t.Errorf("got error %v, want one that names the node and quotes the template", err)
			}
		})
	}
}
