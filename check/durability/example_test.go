package durability_test

import (
	"context"
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/durability"
	"github.com/mcp-resilience/holdfast/check/index"
)

// An acknowledged element of a set that no final read returns is a lost write.
func ExampleRPO() {
	r := checktest.Lab{}.Run()
	for i := range r.Ops {
		if op := r.Ops[i]; checktest.IsAdd(&op) {
			checktest.Without(r, op.Key, op.Value)
			break
		}
	}
	run, err := index.New(r, checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	rpo, findings := durability.RPO(context.Background(), run, 1)
	fmt.Println(findings[0].Check, findings[0].Verdict, "lost:", rpo.LostCount)
	// Output: rpo fail lost: 1
}
