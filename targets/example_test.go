package targets_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/etcd"
	"github.com/mcp-resilience/holdfast/workload"
)

// A load that asks for what the target does not serve is refused before anything starts.
func ExampleCheckLoad() {
	fmt.Println(targets.CheckLoad(etcd.Target{}, workload.Load{Consumers: 2}))
	// Output: load.consumers: target etcd has no streams: leave it out
}
