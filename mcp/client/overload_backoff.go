package client

import (
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// overloadBackoff reports whether a call was refused because a resource is exhausted,
// and when the gateway is to be called again. That is 0 if the leader is overloaded and
// not the gateway, because other gateways would refuse as well.
func overloadBackoff(err error) (after time.Duration, overloaded bool) {
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
	return min(max(after, 100*time.Millisecond), avoidPeriod), true
}

// backOff moves this client away from an overloaded gateway for about as long as the
// gateway asked. The next one is drawn by weight among the others. The time is
// randomised, so that the clients do not come back all at once. If there is no other
// gateway, the client stays: the gateway serves what it can.
func (c *Client) backOff(g *gatewayConn, after time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.dropped {
		return
	}
	c.avoidUntil[g.node] = time.Now().Add(after + rand.N(after))
	g.expires = time.Now().Add(-1) // search again, while this gateway goes on serving
	if c.ctx.Err() == nil {
		c.startSearch()
	}
}
