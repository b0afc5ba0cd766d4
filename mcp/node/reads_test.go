package node_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// One writer counts up while readers at every node read: none may see less
// than what was acknowledged before its read began. The leader is killed half-way.
func TestReadsThroughAnyNodeAreNeverStale(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	var acked, reads atomic.Int64
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for _, n := range c.Names() {
		d := c.NodeClient(n)
		for range 2 {
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					atLeast := acked.Load()
					ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
					r, err := d.Read(ctx, read("x"))
					cancel()
					if err != nil {
						continue
					}
					reads.Add(1)
					if got, _ := strconv.ParseInt(r.Value, 10, 64); got < atLeast {
						t.Errorf("read %d through %s after %d had been acknowledged: %v", got, n, atLeast, r.Origin)
					}
				}
			})
		}
	}
	cl := c.Client("south")
	victim := c.Leader()
	for i := int64(1); i <= 150; i++ {
		if i == 75 {
			c.Kill(victim)
		}
		w := mcptest.Write("x", fmt.Sprint(i))
		must(t, "write", func(ctx context.Context) (any, error) { return cl.Write(ctx, w.Id, w.Key, w.Value) })
		acked.Store(i)
	}
	close(stop)
	readers.Wait()
	if reads.Load() < 100 {
		t.Errorf("only %d reads succeeded: the test shows little", reads.Load())
	}
}

// A leader that wakes from a pause finds its clients' reads and old answers of
// its followers in its sockets. It must not take those for its followers' consent.
func TestALeaderThatWasPausedServesNothingOld(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	for round := range 3 {
		old := c.Leader()
		before, after := fmt.Sprint("before", round), fmt.Sprint("after", round)
		d := c.NodeClient(old)
		must(t, "write", func(ctx context.Context) (any, error) { return d.Write(ctx, mcptest.Write("x", before)) })
		c.Signal(old, syscall.SIGSTOP)
		next := c.LeaderOtherThan(old)
		nd := c.NodeClient(next)
		must(t, "write", func(ctx context.Context) (any, error) { return nd.Write(ctx, mcptest.Write("x", after)) })
		var waiting sync.WaitGroup
		for range 50 {
			waiting.Go(func() {
				r, err := d.Read(within(t, 5*time.Second), read("x"))
				if err == nil && r.Value != after {
					t.Errorf("the woken leader answered %q after %q was acknowledged", r.Value, after)
				}
			})
		}
		c.Signal(old, syscall.SIGCONT)
		waiting.Wait()
		got := must(t, "read", func(ctx context.Context) (*api.ReadReply, error) { return d.Read(ctx, read("x")) })
		if got.Value != after {
			t.Errorf("%s read %q in the end, want %q", old, got.Value, after)
		}
	}
}

func members(set string) *api.MembersRequest { return &api.MembersRequest{Set: set} }

func read(key string) *api.ReadRequest { return &api.ReadRequest{Key: key} }

func stale(key string) *api.ReadRequest {
	return &api.ReadRequest{Key: key, Consistency: api.Consistency_STALE}
}

func cas(id, key, expect, value string) *api.CompareAndSetRequest {
	return &api.CompareAndSetRequest{Id: id, Key: key, Expect: expect, Value: value}
}
