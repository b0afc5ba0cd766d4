package quorum_test

import (
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/quorum"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Two of three voters are down from 1 s to 3 s, so no clients have a quorum. The narrow window begins when the
// fault was proved and ends when its heal was requested.
func ExampleOf() {
	fault := record.Fault{
		Impact: topology.FaultImpact{Down: []topology.NodeID{"north-1", "south-1"}},
		Inject: record.Times{Requested: time.Second, Confirmed: 1100 * time.Millisecond, Effective: 1200 * time.Millisecond},
		Heal:   record.Times{Requested: 3 * time.Second, Confirmed: 3200 * time.Millisecond, Effective: 3500 * time.Millisecond},
		Active: record.Proof{Proved: true},
	}
	w := quorum.Of(checktest.Three, []record.Fault{fault})
	fmt.Println("east may lack a quorum:", w.RegionMayLackQuorum["east"][0].From, "to", w.RegionMayLackQuorum["east"][0].To)
	fmt.Println("east has none:", w.RegionNoQuorum["east"][0].From, "to", w.RegionNoQuorum["east"][0].To)
	// Output:
	// east may lack a quorum: 1s to 3.5s
	// east has none: 1.2s to 3s
}
