package docker_test

import (
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// The memory of a sandbox is limited. Connections whose bytes are all delayed
// fill it, the kernel kills the link proxy, and the supervisor, whose container
// goes on, is no sign that all is well.
func TestALinkProxyThatIsKilledForItsMemoryIsNamed(t *testing.T) {
	needEngine(t)
	top := pair()
	r, run := open(t, top)
	c, err := cluster.Start(t.Context(), r, cluster.Spec{Run: run, Topology: top}, func(s string) { t.Log("notice:", s) })
	if err != nil {
		t.Fatal(err)
	}
	if found := c.SandboxFailures(t.Context()); len(found) > 0 {
		t.Fatalf("failures of a healthy cluster: %v", found)
	}
	shrinkMemory(t, "holdfast-"+run+"-north-1-sandbox", 64<<20) // or filling it takes a quarter of a minute
	link := topology.Link{From: topology.Endpoint{Clients: "east"}, To: "north-1"}
	if _, err := c.Links.ApplyEffect(t.Context(), "slow", []topology.Flow{{Link: link, Direction: topology.Upstream}}, links.Effect{Latency: time.Hour}); err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for range 32 { // of 4 MB that a link holds of each: twice the limit
		all.Go(func() {
			conn, err := c.Dialer("east")(ctx, "tcp", "north-1:7400")
			if err != nil {
				return // the proxy is dead by now
			}
			defer conn.Close()
			defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
			flood(conn)
		})
	}
	var found []cluster.SandboxFailure
	for len(found) == 0 && ctx.Err() == nil {
		time.Sleep(50 * time.Millisecond)
		found = c.SandboxFailures(t.Context())
	}
	cancel()
	if len(found) != 1 || found[0].Node != "north-1" || !found[0].OOMKilled {
		t.Errorf("got %+v, want one failure of north-1, which was killed for its memory", found)
	}
	t.Log(found)
}

func shrinkMemory(t *testing.T, name string, bytes int64) {
	t.Helper()
	api, err := client.New(client.FromEnv)
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close()
	limit := client.ContainerUpdateOptions{Resources: &container.Resources{Memory: bytes, MemorySwap: bytes}}
	if _, err := api.ContainerUpdate(t.Context(), name, limit); err != nil {
		t.Fatal(err)
	}
}

// flood writes until the connection ends.
func flood(conn net.Conn) {
	chunk := make([]byte, 64<<10)
	for {
		if _, err := conn.Write(chunk); err != nil {
			return
		}
	}
}
