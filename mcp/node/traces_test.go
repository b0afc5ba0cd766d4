package node_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// A write through a gateway is one trace, from the gateway to what makes it last
// on another node.
func TestAWriteIsOneTraceAcrossNodes(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1, "--trace-ratio=1")
	for _, tt := range []struct {
		class client.Class
		ends  string // the innermost span
	}{
		{client.Strong, "consensus.commit"},
		{client.Semisync, "journal.append"},
		{client.Async, "journal.append"},
	} {
		t.Run(tt.class.String(), func(t *testing.T) {
			home := c.Leader()
			if tt.class != client.Strong {
				home = primary(c, strings.ToLower(tt.class.String()), "")
			}
			gateway := other(c, home)
			must(t, "an element", func(ctx context.Context) (*api.MutationReply, error) {
				return c.NodeClient(gateway).Add(ctx, &api.AddRequest{Id: client.NewID(), Class: tt.class, Set: "s", Member: "m"})
			})
			var seen []string
			c.Await("a trace from "+gateway+" to "+tt.ends+" on "+home, func() bool {
				spans := map[string]api.Span{}
				for _, n := range c.Names() {
					for _, s := range traces(t, c, n) {
						spans[s.Trace+s.ID] = s
					}
				}
				for _, s := range spans {
					if s.Name != tt.ends || s.Node != home || s.Error != "" {
						continue
					}
					seen = nil
					for in := s; in.ID != ""; in = spans[in.Trace+in.Parent] {
						seen = append(seen, in.Node+" "+in.Name)
					}
					if slices.Contains(seen, gateway+" mcp.v1.KV/Add") {
						return true
					}
				}
				return false
			})
			t.Log(strings.Join(seen, " ← "))
		})
	}
}

// traces are the spans that a node keeps.
func traces(t *testing.T, c *mcptest.Cluster, name string) (out []api.Span) {
	t.Helper()
	ctx := within(t, 300*time.Millisecond) // the stream does not end by itself
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://%s:%d/traces", name, nodespec.EventsPort), nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.HTTPS(c.Identity()).Do(r)
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	for d := json.NewDecoder(answer.Body); ; {
		var s api.Span
		if d.Decode(&s) != nil {
			return out
		}
		out = append(out, s)
	}
}
