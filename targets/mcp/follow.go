package mcp

import (
	"bufio"
	"context"
	"encoding/json"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// silence is how long a stream may say nothing before it is asked for again: a
// connection that a partition swallowed looks like a quiet node.
const silence = 5 * time.Second

// follow reads a node's stream of JSON lines until the connection ends. A line
// cut short by the node's death ends it too; what it said is replayed if the node lives.
func follow[T any](ctx context.Context, c *cluster.Cluster, n topology.Node, path string, tell func(T)) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	quiet := time.AfterFunc(silence, cancel)
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
		quiet.Reset(silence)
		tell(v)
	}
}
