package wire_test

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// A proxy delays one direction of a link by 15 ms. Durations are nanoseconds in JSON.
func ExampleProxy() {
	b, err := json.Marshal(wire.Proxy{
		Name: "north-1/7400", Listen: "127.0.1.2:7400", Upstream: "10.0.0.3:7400",
		Up: wire.Flow{Delays: []wire.Delay{{Latency: 15 * time.Millisecond}}},
	})
	fmt.Println(string(b), err)
	// Output:
	// {"name":"north-1/7400","listen":"127.0.1.2:7400","upstream":"10.0.0.3:7400","up":{"delays":[{"latency":15000000}]},"down":{}} <nil>
}
