package index_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/index"
)

// An index has the faults in order and the instants that divide the run.
func ExampleNew() {
	run, err := index.New(checktest.Lab{}.Run(), checktest.SLO)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("baseline until", run.Baseline.To, "fault", run.Faults[0].ID, "observed until", run.End)
	// Output: baseline until 100ms fault 1.1-kill observed until 300ms
}
