package file_test

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/targets/file"
)

// A mistake in a target file is reported with its line and the valid name that was probably meant.
func ExampleParse() {
	_, err := file.Parse("shop.target.yaml", []byte("servces: {}\n"))
	fmt.Println(err)
	// Output:
	// shop.target.yaml:1:1: servces: is no field here; there are name, description, regions, latency, services, client, consistency, roles; did you mean "services"?
	// shop.target.yaml:1:1: services: is missing: which programs or images does the system consist of?
}
