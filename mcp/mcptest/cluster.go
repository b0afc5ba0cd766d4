// Package mcptest runs real nodes as child processes on loopback addresses,
// for the platform's own tests. The child is the test binary itself, so that
// the race detector watches the nodes as well.
package mcptest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/events"
	"github.com/mcp-resilience/holdfast/mcp/names"
	"github.com/mcp-resilience/holdfast/mcp/node"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

const childEnv = "MCPTEST_NODE"

// Child must be called first in TestMain: in a child it runs the node and exits.
func Child() {
	if os.Getenv(childEnv) != "" {
		os.Exit(node.Main(os.Args[1:], os.Stderr))
	}
}

// Secret is that of every cluster.
const Secret = "a secret for tests alone"

// Cluster is running nodes.
type Cluster struct {
	t     testing.TB
	dir   string
	names []string
	args  []string // common to all nodes
	addr  map[string]string

	mu    sync.Mutex
	procs map[string]*proc
}

type proc struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has gone
	logs *lines
}

// Start runs one node in each of east, north and south, or per of them, and
// waits until one leads and all listen. Extra arguments go to each node.
func Start(t testing.TB, per int, extra ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, dir: t.TempDir(), addr: map[string]string{}, procs: map[string]*proc{}}
	network := claim(t)
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
			conn, err := c.Dial(t.Context(), "tcp", fmt.Sprintf("%s:%d", n, node.APIPort))
			if err == nil {
				conn.Close()
			}
			return err == nil
		})
	}
	return c
}

// claim takes a loopback network (three numbers of an address) that no other
// cluster of this machine has, clear of those from 127.64 on, where drills live.
func claim(t testing.TB) string {
	t.Helper()
	for range 100 {
		network := fmt.Sprintf("127.%d.%d", 32+rand.IntN(32), rand.IntN(256))
		mark, err := net.Listen("tcp", network+".254:7000")
		if err == nil {
			t.Cleanup(func() { mark.Close() })
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

// Run starts a node that is not running.
func (c *Cluster) Run(name string) {
	c.t.Helper()
	c.start(name, c.args)
}

func (c *Cluster) start(name string, args []string) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--name", name, "--host", c.addr[name], "--data", c.Data(name)}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1", node.SecretEnv+"="+Secret)
	p := &proc{cmd: cmd, done: make(chan struct{}), logs: &lines{}}
	cmd.Stderr = p.logs
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.procs[name] = p
}

// Join runs a node that no other node has been told of. It begins with an empty
// log and waits to be added.
func (c *Cluster) Join(name, region string) {
	c.t.Helper()
	c.names = append(c.names, name)
	c.addr[name] = c.addr[c.names[0]][:strings.LastIndexByte(c.addr[c.names[0]], '.')+1] + fmt.Sprint(len(c.names))
	f, err := os.OpenFile(c.hosts(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, c.addr[name], name); err != nil {
		c.t.Fatal(err)
	}
	c.start(name, append(slices.Clone(c.args), "--peers", c.args[1]+","+name+"/"+region, "--join"))
}

// Signal sends a signal to a node; Kill and Terminate also wait for its end.
func (c *Cluster) Signal(name string, s syscall.Signal) {
	c.t.Helper()
	if err := c.proc(name).cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("signal %s: %v", name, err)
	}
}

// Kill ends a node with SIGKILL.
func (c *Cluster) Kill(name string) {
	c.t.Helper()
	c.Signal(name, syscall.SIGKILL)
	<-c.proc(name).done
}

// Terminate ends a node gracefully and returns its exit status.
func (c *Cluster) Terminate(name string) int {
	c.t.Helper()
	c.Signal(name, syscall.SIGTERM)
	p := c.proc(name)
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

func (c *Cluster) proc(name string) *proc {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.procs[name]
}

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

// Log is what a node has written in its present life.
func (c *Cluster) Log(name string) string { return c.proc(name).logs.String() }

// Dial connects to a logical address.
func (c *Cluster) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	return names.Resolver{Hosts: c.hosts()}.Dial(ctx, network, addr)
}

// Who is the identity of a client called "test".
func (c *Cluster) Who() *trust.Identity { return c.identity("test", trust.Client) }

// Peer is the identity of a node, for tests of what only nodes may do.
func (c *Cluster) Peer(name string) *trust.Identity { return c.identity(name, trust.Node) }

func (c *Cluster) identity(name string, kind trust.Kind) *trust.Identity {
	c.t.Helper()
	who, err := trust.New(Secret, name, kind)
	if err != nil {
		c.t.Fatal(err)
	}
	return who
}

// HTTPS is for asking nodes by name, with the certificate of who or, if that is nil, without.
func (c *Cluster) HTTPS(who *trust.Identity) *http.Client {
	config := c.Who().Nameless()
	if who != nil {
		config = who.Dial()
	}
	return &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, DialContext: c.Dial, TLSClientConfig: config,
	}}
}

// get asks a node over HTTPS; the answer is read within half a second.
func (c *Cluster) get(name, path string) (*http.Response, error) {
	hc := c.HTTPS(c.Who())
	hc.Timeout = 500 * time.Millisecond
	return hc.Get(fmt.Sprintf("https://%s:%d%s", name, node.EventsPort, path))
}

// Secure is Dial, after which both sides know each other.
func (c *Cluster) Secure(ctx context.Context, network, addr string) (net.Conn, error) {
	return c.SecureAs(c.Who().Dial())(ctx, network, addr)
}

// SecureAs is Secure as somebody else.
func (c *Cluster) SecureAs(who *tls.Config) trust.DialFunc { return trust.Dialer(who, c.Dial) }

// Status asks a node for its status.
func (c *Cluster) Status(name string) (s node.Status, err error) {
	r, err := c.get(name, "/status")
	if err != nil {
		return s, err
	}
	defer r.Body.Close()
	return s, json.NewDecoder(r.Body).Decode(&s)
}

// Event is one entry of a node's diary.
type Event = events.Event

// Events reads what a node has told so far.
func (c *Cluster) Events(name string) []Event {
	c.t.Helper()
	var r *http.Response
	c.Await("the diary of "+name, func() (ok bool) {
		var err error
		r, err = c.get(name, "/events")
		return err == nil
	})
	defer r.Body.Close()
	var out []Event
	for dec := json.NewDecoder(r.Body); ; {
		var e Event
		if dec.Decode(&e) != nil { // the stream has no end but the client's timeout
			return out
		}
		out = append(out, e)
	}
}

// Wipe deletes the data of a node that is not running.
func (c *Cluster) Wipe(name string) {
	c.t.Helper()
	if err := os.RemoveAll(c.Data(name)); err != nil {
		c.t.Fatal(err)
	}
}

// Leader waits until a node says that it leads, and returns the one of the highest term.
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

// LeaderOtherThan waits until some other node leads.
func (c *Cluster) LeaderOtherThan(old string) string {
	c.t.Helper()
	var leader string
	c.Await("a leader other than "+old, func() bool {
		leader = c.Leader()
		return leader != old
	})
	return leader
}

// Await polls until the condition holds, for at most 20 s.
func (c *Cluster) Await(what string, holds func() bool) {
	c.t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("waited 20 s for %s", what)
		}
	}
}

// Client makes a client of a region.
func (c *Cluster) Client(region string) *client.Client {
	c.t.Helper()
	return c.ClientBy(c.Dial, region)
}

// ClientBy makes a client of a region that connects in a way of its own.
func (c *Cluster) ClientBy(dial api.DialFunc, region string) *client.Client {
	c.t.Helper()
	at := func(port int) []string {
		var own, others []string
		for _, n := range c.names {
			addr := fmt.Sprintf("%s:%d", n, port)
			if strings.HasPrefix(n, region+"-") {
				own = append(own, addr)
			} else {
				others = append(others, addr)
			}
		}
		return append(own, others...)
	}
	cl, err := client.New(client.Config{Dial: dial, Who: c.Who(), GSLB: at(node.DNSPort), Identity: at(node.APIPort), Seed: 1})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// Direct makes a client of one node, who is an operator.
func (c *Cluster) Direct(name string) *client.Direct {
	c.t.Helper()
	d, err := client.To(fmt.Sprintf("%s:%d", name, node.APIPort), c.Dial, c.identity("operator", trust.Operator))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { d.Close() })
	return d
}

// Write makes a write request with a fresh id.
func Write(key, value string) *api.WriteRequest {
	return &api.WriteRequest{Id: client.NewID(), Key: key, Value: value}
}

// lines keeps what a node writes.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
