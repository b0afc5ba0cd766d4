// Package mcptest runs real nodes as child processes on loopback addresses, for the
// platform's own tests. The child processes run the test binary itself, so that the race
// detector covers the nodes as well.
package mcptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// Cluster is a cluster of running nodes.
type Cluster struct {
	t     testing.TB
	dir   string
	names []string
	args  []string // of every node
	addr  map[string]string

	mu    sync.Mutex
	procs map[string]*proc
}

// Start runs so many nodes in each of the regions east, north and south, and waits until one
// leads and all listen. Extra arguments are passed to each node.
func Start(t testing.TB, per int, extra ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), addr: map[string]string{}, procs: map[string]*proc{}}
	network := claimNetwork(t)
	var peers []string
	var hosts bytes.Buffer
	for _, region := range []string{"east", "north", "south"} {
		for i := range per {
			name := fmt.Sprintf("%s-%d", region, i+1)
			c.names = append(c.names, name)
			c.addr[name] = fmt.Sprintf("%s.%d", network, len(c.names))
			peers = append(peers, name+"/"+region)
			fmt.Fprintln(&hosts, c.addr[name], name)
		}
	}
	if err := os.WriteFile(c.hosts(), hosts.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	c.args = append([]string{"--peers", strings.Join(peers, ","), "--hosts", c.hosts()}, extra...)
	t.Cleanup(c.stop)
	for _, n := range c.names {
		c.Run(n)
	}
	c.Leader()
	for _, n := range c.names {
		c.Await(n+" to listen", func() bool {
			conn, err := c.Dial(t.Context(), "tcp", fmt.Sprintf("%s:%d", n, nodespec.APIPort))
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	return c
}

// claimNetwork returns a loopback network (the first three numbers of an address) that no other
// cluster on this machine uses. Drills use those from 127.64 on.
func claimNetwork(t testing.TB) string {
	t.Helper()
	for range 100 {
		network := fmt.Sprintf("127.%d.%d", 32+rand.IntN(32), rand.IntN(256))
		lock, err := net.Listen("tcp", network+".254:7000")
		if err == nil {
			t.Cleanup(func() { lock.Close() })
			return network
		}
	}
	t.Fatal("no loopback network is free")
	return ""
}

func (c *Cluster) hosts() string { return filepath.Join(c.dir, "hosts") }

// Names lists the nodes.
func (c *Cluster) Names() []string { return slices.Clone(c.names) }

// Addr is the address that a node binds.
func (c *Cluster) Addr(name string) string { return c.addr[name] }

// Data is a node's data folder.
func (c *Cluster) Data(name string) string { return filepath.Join(c.dir, name) }

func (c *Cluster) stop() {
	for _, n := range c.names {
		p := c.proc(n)
		if p == nil {
			continue
		}
		_ = p.cmd.Process.Kill()
		<-p.done
		if out := p.logs.String(); strings.Contains(out, "DATA RACE") {
			c.t.Errorf("data race in %s:\n%s", n, out)
		} else if c.t.Failed() {
			c.t.Logf("log of %s:\n%s", n, out)
		}
	}
}

// Status asks a node for its status.
func (c *Cluster) Status(name string) (s api.NodeStatus, err error) {
	r, err := c.get(name, "/status")
	if err != nil {
		return s, err
	}
	defer r.Body.Close()
	return s, json.NewDecoder(r.Body).Decode(&s)
}

// Event is one entry of a node's event log.
type Event = events.Event

// Events returns the events of a node so far.
func (c *Cluster) Events(name string) []Event {
	c.t.Helper()
	var out []Event
	c.Await("the event log of "+name, func() (ok bool) {
		r, err := c.get(name, "/events")
		if err != nil {
			return false
		}
		defer r.Body.Close()
		for dec := json.NewDecoder(r.Body); ; {
			var e Event
			if dec.Decode(&e) != nil { // the stream ends only by the client's timeout
				return true
			}
			out = append(out, e)
		}
	})
	return out
}

// Wipe deletes the data folder of a node that is not running.
func (c *Cluster) Wipe(name string) {
	c.t.Helper()
	if err := os.RemoveAll(c.Data(name)); err != nil {
		c.t.Fatal(err)
	}
}

// Leader waits until a node reports that it leads, and returns the one with the highest term.
func (c *Cluster) Leader() string {
	c.t.Helper()
	var leader string
	c.Await("a leader", func() bool {
		var term uint64
		for _, n := range c.names {
			if s, err := c.Status(n); err == nil && s.Role == "leader" && s.Term > term {
				leader, term = n, s.Term
			}
		}
		return leader != ""
	})
	return leader
}

// LeaderOtherThan waits until another node leads, and returns it.
func (c *Cluster) LeaderOtherThan(old string) string {
	c.t.Helper()
	var leader string
	c.Await("a leader other than "+old, func() bool {
		leader = c.Leader()
		return leader != old
	})
	return leader
}

// BusLeader waits until the nodes agree on a leader of the stream feed that is none of
// others, and returns it.
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

// Await polls until the condition is true. It fails the test after 20 s.
func (c *Cluster) Await(what string, condition func() bool) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited 20 s for %s", what)
		}
	}
}
