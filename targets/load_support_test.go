package targets_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/targets/mcp"
	"github.com/mcp-resilience/holdfast/workload"
)

// Before, a class that mcp does not have was its strong one: a control of asynchronous
// replication whose class was misspelt came out pass.
func TestCheckLoad(t *testing.T) {
	for name, tt := range map[string]struct {
		target targets.Target
		load   workload.Load
		want   string
	}{
		"registers and sets":      {etcd.Target{}, workload.Load{}.Resolve(), ""},
		"a class":                 {mcp.Target{}, workload.Load{Class: "async"}, ""},
		"settings":                {mcp.Target{}, workload.Load{Class: "config"}, ""},
		"everything that mcp has": {mcp.Target{}, workload.Load{LocalReads: 1, Consumers: 1, Mix: workload.Mix{Transfer: 50, Publish: 50}}, ""},
		"a class misspelt":        {mcp.Target{}, workload.Load{Class: "asycn"}, `load.class: "asycn" is none of async, config, semisync, strong, the classes of data of target mcp; did you mean "async"?`},
		"a class of another":      {etcd.Target{}, workload.Load{Class: "async"}, "load.class: target etcd has no classes of data: leave it out"},
		"local reads":             {etcd.Target{}, workload.Load{LocalReads: 1}, "load.localReads: target etcd has no reads that a region answers by itself: leave it out"},
		"accounts":                {etcd.Target{}, workload.Load{Mix: workload.Mix{Transfer: 1}}, "load.mix.transfer: target etcd has no accounts: leave it out"},
		"lists":                   {etcd.Target{}, workload.Load{Mix: workload.Mix{Append: 1}}, "load.mix.append: target etcd has no lists: leave it out"},
		"streams":                 {etcd.Target{}, workload.Load{Mix: workload.Mix{Publish: 1}, Consumers: 1}, "load.mix.publish: target etcd has no streams: leave it out"},
		"consumers":               {etcd.Target{}, workload.Load{Consumers: 1}, "load.consumers: target etcd has no streams: leave it out"},
	} {
		got := ""
		if err := targets.CheckLoad(tt.target, tt.load); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%s: got %q, want %q", name, got, tt.want)
		}
	}
}
