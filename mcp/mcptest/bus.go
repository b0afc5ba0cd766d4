package mcptest

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// Bus makes a client of the message bus in a region.
func (c *Cluster) Bus(region string) *client.Bus {
	c.t.Helper()
	var own, others []string
	for _, n := range c.names {
		addr := fmt.Sprintf("%s:%d", n, nodespec.BusPort)
		if strings.HasPrefix(n, region+"-") {
			own = append(own, addr)
		} else {
			others = append(others, addr)
		}
	}
	b, err := client.NewBus(client.BusConfig{Dial: c.Dial, Identity: c.Who(), Servers: append(own, others...)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { b.Close() })
	return b
}

// BusLeader waits until a node is agreed to lead the feed, none of others.
func (c *Cluster) BusLeader(others ...string) string {
	c.t.Helper()
	var leader string
	c.Await("a leader of the feed", func() bool {
		for _, n := range c.names {
			s, err := c.Status(n)
			if err != nil {
				continue
			}
			leader = s.Streams[api.Feed]
			for _, o := range others {
				if leader == o {
					leader = ""
				}
			}
			return leader != ""
		}
		return false
	})
	return leader
}

// Stranger is an identity that the platform does not know.
func (c *Cluster) Stranger() *trust.Identity {
	c.t.Helper()
	id, err := trust.New("of another platform altogether", "stranger", trust.Client)
	if err != nil {
		c.t.Fatal(err)
	}
	return id
}
