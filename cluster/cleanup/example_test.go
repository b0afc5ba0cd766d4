package cleanup_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// An owner is kept as text, and another process can ask whether it still runs.
func ExampleParseOwner() {
	owner, err := cleanup.ParseOwner(cleanup.Self().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(owner.Liveness())
	_, err = cleanup.ParseOwner("1234")
	fmt.Println(err)
	// Output:
	// alive
	// "1234" is not the id of an owner: want pid:started:boot:namespace:host
}
