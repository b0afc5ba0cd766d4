package recovery_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/check/recovery"
	"github.com/mcp-resilience/holdfast/internal/duration"
)

// No operation is answered for 40 ms after the fault. The recovery time is counted from the
// request of the fault to the first acknowledged operation of a stable window.
func ExampleRTO() {
	r := checktest.Lab{Down: checktest.Stall(100*checktest.Unit, 140*checktest.Unit)}.Run()
	run, err := index.New(r, checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	rto, findings := recovery.RTO(run)
	fmt.Println(findings[0].Verdict, duration.Format(rto.Worst), "≤", duration.Exact(rto.Objective))
	// Output: pass 40.3 ms ≤ 300 ms
}
