package docker

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/cluster/links"
)

// linkdArgs start linkd's supervisor in a sandbox. It listens on every address
// of the pod, for the engine forwards published ports to the pod's address;
// from outside the engine only 127.0.0.1 leads there. The echo keeps to the
// pod's own address, because its port on loopback addresses is the peers'.
func linkdArgs() []string {
	return []string{
		fmt.Sprintf("-control=0.0.0.0:%d", controlPort),
		fmt.Sprintf("-admin=0.0.0.0:%d", adminPort),
		fmt.Sprintf("-echo=self:%d", links.EchoNumber),
	}
}
