package client

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// exhausted says whether a gateway refused a call because it is short of
// something, and when it asks to be called again; 0 when it is the leader that is
// short, which other gateways would tell as well.
func exhausted(err error) (after time.Duration, yes bool) {
	st := status.Convert(err)
	if st.Code() != codes.ResourceExhausted {
		return 0, false
	}
	for _, d := range st.Details() {
		if r, ok := d.(*api.Refusal); ok && r.Leader != "" {
			return 0, true
		}
	}
	after, _ = api.RetryAfter(err)
	return min(max(after, 100*time.Millisecond), shunFor), true
}

// spare takes this client's load off a gateway that is alive and has too much of
// it, for about as long as it asked. Where the client goes is drawn by weight among
// the others; how long it stays away varies, so that not all come back at once. A
// gateway that is the only one is called on: what it has room for, it serves.
func (c *Client) spare(g *gateway, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.left {
		return
	}
	c.shunned[g.node] = time.Now().Add(after + rand.N(after))
	g.until = time.Now().Add(-1) // found anew, while it serves on
	if c.ctx.Err() == nil {
		c.find()
	}
}
