package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// silenceTimeout is how long a stream may be silent before it is opened again, because a
// connection that a partition has cut looks like a silent node.
const silenceTimeout = 5 * time.Second

// readJSONLines reads a node's stream of JSON lines and emits each, until the connection
// ends. A line that is cut short by the node's death ends it too; if the node is in fact
// alive, the next connection repeats that line.
func readJSONLines[T any](ctx context.Context, c *cluster.Cluster, n topology.Node, path string, emit func(T)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silenceTimeout, cancel)
	defer quiet.Stop()
	r, err := get(ctx, c, n, path)
	if err != nil {
		return
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var v T
		if json.Unmarshal(lines.Bytes(), &v) != nil {
			return
		}
		quiet.Reset(silenceTimeout)
		emit(v)
	}
}
