package node_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

func TestMain(m *testing.M) {
	mcptest.RunChild()
	goleak.VerifyTestMain(m)
}

func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// must retries an operation until it succeeds, as a user with an id would.
func must[T any](t *testing.T, what string, do func(ctx context.Context) (T, error)) T {
	t.Helper()
	var err error
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		var out T
		out, err = do(ctx)
		cancel()
		if err == nil {
			return out
		}
	}
	t.Fatalf("%s: %v", what, err)
	panic("unreachable")
}

func TestLosingTheLeaderLosesNoWrite(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	cl := c.Client("south")
	var want []string
	add := func(m string) {
		id := client.NewID()
		must(t, "add", func(ctx context.Context) (any, error) { return cl.Add(ctx, id, "s", m) })
		want = append(want, m)
	}
	for i := range 50 {
		add(fmt.Sprintf("a%02d", i))
	}
	old := c.Leader()
	c.Kill(old)
	start := time.Now()
	add("b00")
	t.Logf("first write after killing the leader: %v", time.Since(start))
	for i := 1; i < 50; i++ {
		add(fmt.Sprintf("b%02d", i))
	}
	c.Run(old) // from the same data folder
	for _, n := range c.Names() {
		d := c.NodeClient(n)
		got := must(t, "members through "+n, func(ctx context.Context) ([]string, error) {
			r, err := d.Members(ctx, members("s"))
			if err != nil {
				return nil, err
			}
			if r.Origin.Node != n {
				t.Errorf("members through %s served by %s", n, r.Origin.Node)
			}
			return r.Members, nil
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members through %s (-want +got):\n%s", n, diff)
		}
	}
}
