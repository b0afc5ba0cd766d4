package delivery_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/delivery"
	"github.com/mcp-resilience/holdfast/check/index"
)

// The consumer receives every message of the stream, in order and once.
func ExampleCheck() {
	run, err := index.New(checktest.NewStream().Finish(), checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, findings := delivery.Check(run)
	for _, f := range findings {
		fmt.Println(f.Check, f.Verdict)
	}
	// Output:
	// message order pass
	// delivery pass
}
