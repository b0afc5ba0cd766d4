package builtin_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/harness/builtin"
)

// Targets and runtimes are found by name, and an unknown name is an error that lists the known ones.
func ExampleTarget() {
	t, err := builtin.Target("etcd")
	fmt.Println(t.Name(), err)
	_, err = builtin.Target("etdc")
	fmt.Println(err)
	// Output:
	// etcd <nil>
	// there is no target "etdc"; there are mcp, etcd; did you mean "etcd"?
}
