package node_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// primary waits until every running node takes the same node for the primary
// of a class, one other than old.
func primary(c *mcptest.Cluster, class, old string) (now string) {
	c.Await("a primary of "+class+" other than "+old, func() bool {
		now = ""
		for _, n := range c.Names() {
			s, err := c.Status(n)
			switch p := s.Primaries[class]; {
			case err != nil:
				continue
			case p == "" || p == old || now != "" && now != p:
				return false
			default:
				now = p
			}
		}
		return now != ""
	})
	return now
}

// membersThrough reads a set of a class through a node, from its own copy.
func membersThrough(t *testing.T, c *mcptest.Cluster, n string, class client.Class, set string) []string {
	t.Helper()
	d := c.NodeClient(n)
	r := must(t, "members through "+n, func(ctx context.Context) (*api.MembersReply, error) {
		return d.Members(ctx, &api.MembersRequest{Class: class, Set: set})
	})
	if r.Origin.Node != n || r.Origin.Stale {
		t.Errorf("members through %s come from %v", n, r.Origin)
	}
	return r.Members
}

// load adds to a set from every region until stop, and keeps what was acknowledged.
type load struct {
	mu    sync.Mutex
	acked []string
	ids   map[string]string // of acknowledged members
	stop  context.CancelFunc
	work  sync.WaitGroup
	count atomic.Int64
}

func drive(c *mcptest.Cluster, class client.Class) *load {
	ctx, stop := context.WithCancel(context.Background())
	l := &load{stop: stop, ids: map[string]string{}}
	for _, region := range []string{"east", "north", "south"} {
		cl := c.Client(region)
		for w := range 2 {
			l.work.Go(func() {
				for i := 0; ctx.Err() == nil; i++ {
					m, id := fmt.Sprintf("%s-%d-%05d", region, w, i), client.NewID()
					one, cancel := context.WithTimeout(ctx, 2*time.Second)
					_, err := cl.AddTo(one, id, class, "s", m)
					cancel()
					if err != nil {
						time.Sleep(5 * time.Millisecond) // one attempt a member: what failed may or may not be there
						continue
					}
					l.mu.Lock()
					l.acked, l.ids[m] = append(l.acked, m), id
					l.mu.Unlock()
					l.count.Add(1)
				}
			})
		}
	}
	return l
}

// more waits until n more additions are acknowledged.
func (l *load) more(c *mcptest.Cluster, n int64) {
	want := l.count.Load() + n
	c.Await(fmt.Sprintf("%d more acknowledgements", n), func() bool { return l.count.Load() >= want })
}

// end stops the load and returns what was acknowledged, sorted.
func (l *load) end() []string {
	l.stop()
	l.work.Wait()
	return slices.Sorted(slices.Values(l.acked))
}

// missing lists what is in want and not in got; both are sorted.
func missing(want, got []string) (out []string) {
	for _, m := range want {
		if _, found := slices.BinarySearch(got, m); !found {
			out = append(out, m)
		}
	}
	return out
}

// comesBack waits until a node serves.
func comesBack(c *mcptest.Cluster, name string) {
	c.Await(name+" to be back", func() bool {
		_, err := c.Status(name)
		return err == nil
	})
}
