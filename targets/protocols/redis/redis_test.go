package redis_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
	"github.com/mcp-resilience/holdfast/targets/protocols/redis"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// dial reaches servers of this machine. Their endpoints are called localhost, as a Sentinel names them.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
}

// server is a running redis-server.
type server struct {
	protocols.Endpoint
	port, dir string
	t         *testing.T
	protocol  protocols.Protocol
}

func start(t *testing.T, name string, args ...string) *server {
	t.Helper()
	port, dir := protocoltest.FreePort(t), t.TempDir()
	protocoltest.Start(t, protocoltest.Required(), "redis-server", append([]string{
		"--port", port, "--bind", "127.0.0.1", "--dir", dir, "--save", "", "--repl-diskless-sync-delay", "0", "--repl-diskless-load", "disabled",
	}, args...)...)
	s := &server{protocols.Endpoint{Node: topology.NodeID(name), Region: "east", Address: "localhost:" + port}, port, dir, t, nil}
	s.protocol = protocol(t, redis.Settings{})
	protocoltest.Await(t, "an answer of "+name, func() error { _, err := s.query("ECHO up"); return err })
	return s
}

func protocol(t *testing.T, s redis.Settings) protocols.Protocol {
	t.Helper()
	p, err := redis.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// query sends a command to the server.
func (s *server) query(command string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.protocol.Query(ctx, protocols.System{Dial: dial}, s.Endpoint, command)
}

func (s *server) must(command string) string {
	s.t.Helper()
	got, err := s.query(command)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

func system(of ...*server) protocols.System {
	s := protocols.System{Dial: dial}
	for _, o := range of {
		s.Endpoints = append(s.Endpoints, o.Endpoint)
	}
	return s
}

func TestConformance(t *testing.T) {
	s := start(t, "east-1")
	twin := s.Endpoint
	twin.Node, twin.Address = "east-2", "twin:"+s.port
	protocoltest.Run(t, protocoltest.Subject{
		Protocol: protocol(t, redis.Settings{Database: 1}), Endpoints: []protocols.Endpoint{s.Endpoint, twin}, Dial: dial,
		Query: "ROLE", Answer: "master",
	})
}

func TestConformanceWithAPassword(t *testing.T) {
	s := start(t, "east-1")
	s.must("CONFIG SET requirepass s3cret")
	protocoltest.Run(t, protocoltest.Subject{
		Protocol: protocol(t, redis.Settings{Password: "{{.Secret}}"}), Endpoints: []protocols.Endpoint{s.Endpoint}, Dial: dial, Secret: "s3cret",
	})
}

// do carries out an operation until it is answered by a server or its outcome is not Failed.
func do(t *testing.T, p protocols.Protocol, s protocols.System, prepare func(), op history.Op) history.Op {
	t.Helper()
	c, err := p.Client(t.Context(), s, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if got := c.Do(ctx, history.Op{Kind: history.Read, Key: "warm"}); got.Outcome != history.OK {
		t.Fatal(got.Error)
	}
	prepare()
	return c.Do(ctx, op)
}

// The errors by which a real server rejects a write, and that it then holds nothing of it.
func TestRejections(t *testing.T) {
	add := history.Op{Kind: history.Add, Key: "k", Value: "1"}
	cas := history.Op{Kind: history.CAS, Key: "k", Value: "1"}
	for name, tt := range map[string]struct {
		code    string
		op      history.Op
		prepare func(s *server)
		restore string
	}{
		"a replica":              {"READONLY", add, func(s *server) { s.must("REPLICAOF 127.0.0.1 1") }, "REPLICAOF NO ONE"},
		"a replica, by a script": {"READONLY", cas, func(s *server) { s.must("REPLICAOF 127.0.0.1 1") }, "REPLICAOF NO ONE"},
		"too few replicas":       {"NOREPLICAS", add, func(s *server) { s.must("CONFIG SET min-replicas-to-write 1") }, "CONFIG SET min-replicas-to-write 0"},
		"too few, by a script":   {"NOREPLICAS", cas, func(s *server) { s.must("CONFIG SET min-replicas-to-write 1") }, "CONFIG SET min-replicas-to-write 0"},
		"no memory":              {"OOM", add, func(s *server) { s.must("CONFIG SET maxmemory 1") }, "CONFIG SET maxmemory 0"},
		"no memory, by a script": {"OOM", cas, func(s *server) { s.must("CONFIG SET maxmemory 1") }, "CONFIG SET maxmemory 0"},
		"another type of data":   {"WRONGTYPE", add, func(s *server) { s.must("SET holdfast:set:k text") }, "DEL holdfast:set:k"},
		"no permission":          {"NOPERM", add, func(s *server) { s.must("ACL SETUSER default -sadd") }, "ACL SETUSER default +@all"},
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, "east-1")
			got := do(t, protocol(t, redis.Settings{}), system(s), func() { tt.prepare(s) }, tt.op)
			if got.Outcome != history.Failed || !got.Rejected || !strings.Contains(got.Error, tt.code) {
				t.Errorf("got %s, rejected %v (%s), want failed by %s", got.Outcome, got.Rejected, got.Error, tt.code)
			}
			s.must(tt.restore)
			if left := s.must("KEYS *"); left != "" {
				t.Errorf("the rejected write left %s", left)
			}
		})
	}
}

func TestAServerThatIsBusyWithAScript(t *testing.T) {
	s := start(t, "east-1", "--lua-time-limit", "1")
	endless := make(chan error, 1)
	got := do(t, protocol(t, redis.Settings{}), system(s), func() {
		go func() {
			_, err := s.query("EVAL while(true)do(function()end)()end 0")
			endless <- err
		}()
		protocoltest.Await(t, "a busy server", func() error {
			if _, err := s.query("GET x"); err == nil || !strings.Contains(err.Error(), "BUSY") {
				return fmt.Errorf("it answers: %v", err)
			}
			return nil
		})
	}, history.Op{Kind: history.Add, Key: "k", Value: "1"})
	if got.Outcome != history.Failed || !got.Rejected || !strings.Contains(got.Error, "BUSY") {
		t.Errorf("got %s, rejected %v (%s)", got.Outcome, got.Rejected, got.Error)
	}
	s.must("SCRIPT KILL")
	if err := <-endless; err == nil {
		t.Error("the script ended by itself")
	}
	if left := s.must("KEYS *"); left != "" {
		t.Errorf("the rejected write left %s", left)
	}
}

func TestAServerThatCannotSave(t *testing.T) {
	s := start(t, "east-1")
	got := do(t, protocol(t, redis.Settings{}), system(s), func() {
		if err := os.RemoveAll(s.dir); err != nil {
			t.Fatal(err)
		}
		s.must("CONFIG SET save '3600 1'")
		s.must("BGSAVE")
		protocoltest.Await(t, "a failed save", func() error {
			if info := s.must("INFO persistence"); !strings.Contains(info, "rdb_last_bgsave_status:err") {
				return errors.New("not yet")
			}
			return nil
		})
	}, history.Op{Kind: history.Write, Key: "k", Value: "1"})
	if got.Outcome != history.Failed || !got.Rejected || !strings.Contains(got.Error, "MISCONF") {
		t.Errorf("got %s, rejected %v (%s)", got.Outcome, got.Rejected, got.Error)
	}
}

// A server that loads its data is asked for nothing.
func TestAServerThatLoads(t *testing.T) {
	full := start(t, "east-1", "--enable-debug-command", "yes")
	full.must("DEBUG POPULATE 3000")
	full.must("SAVE")
	port := protocoltest.FreePort(t)
	protocoltest.Start(t, protocoltest.Required(), "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", full.dir, "--dbfilename", "dump.rdb",
		"--save", "", "--key-load-delay", "10000", "--loading-process-events-interval-bytes", "1024")
	loading := &server{protocols.Endpoint{Node: "east-2", Address: "localhost:" + port}, port, full.dir, t, full.protocol}
	protocoltest.Await(t, "a server that loads", func() error {
		if _, err := loading.query("GET x"); err == nil || !strings.Contains(err.Error(), "LOADING") {
			return fmt.Errorf("it answers: %v", err)
		}
		return nil
	})
	c, err := full.protocol.Client(t.Context(), system(loading), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Do(t.Context(), history.Op{Kind: history.Write, Key: "k", Value: "1"}); got.Outcome != history.Failed || !strings.Contains(got.Error, "LOADING") {
		t.Errorf("got %s (%s)", got.Outcome, got.Error)
	}
}

// replicate makes b a replica of a, and waits until it has a's data.
func replicate(t *testing.T, a, b *server) {
	t.Helper()
	b.must("REPLICAOF localhost " + a.port)
	protocoltest.Await(t, "a replica", func() error {
		if got := b.must("ROLE"); !strings.Contains(got, "connected") {
			return errors.New(got)
		}
		return nil
	})
}

func TestWait(t *testing.T) {
	a, b := start(t, "east-1"), start(t, "east-2")
	replicate(t, a, b)
	p := protocol(t, redis.Settings{Wait: &redis.Wait{Replicas: 1, Timeout: 200 * time.Millisecond}})
	write := history.Op{Kind: history.Write, Key: "k", Value: "1"}
	protocoltest.Await(t, "a write that a replica has", func() error {
		if got := do(t, p, system(b, a), func() {}, write); got.Outcome != history.OK || got.Node != "east-1" {
			return fmt.Errorf("%s by %q: %s", got.Outcome, got.Node, got.Error)
		}
		return nil
	})
	for _, op := range []history.Op{write, {Kind: history.CAS, Key: "k", Expect: "1", Value: "2"}} {
		got := do(t, p, system(a), func() { b.must("REPLICAOF NO ONE") }, op)
		if got.Outcome != history.Unknown || got.Applied || !strings.Contains(got.Error, "0 of 1 replicas") {
			t.Errorf("without the replica %s is %s (%s), want unknown", op.Kind, got.Outcome, got.Error)
		}
	}
	nothing := do(t, p, system(a), func() {}, history.Op{Kind: history.CAS, Key: "k", Expect: "7", Value: "8"})
	if nothing.Outcome != history.OK || nothing.Applied {
		t.Errorf("a cas that wrote nothing is %s, applied %v (%s)", nothing.Outcome, nothing.Applied, nothing.Error)
	}
}

// A reader shows the state of its own node, also of one that its primary cannot reach.
func TestReadersOfAReplica(t *testing.T) {
	a, b := start(t, "east-1"), start(t, "east-2")
	replicate(t, a, b)
	b.must("REPLICAOF 127.0.0.1 1") // its data stay and grow old
	a.must("SET holdfast:register:k new")
	p := protocol(t, redis.Settings{})
	for s, want := range map[*server]string{a: "new", b: ""} {
		r, err := p.Reader(t.Context(), system(a, b), s.Endpoint)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Do(t.Context(), history.Op{Kind: history.Read, Key: "k"}); got.Outcome != history.OK || got.Output != want || got.Node != s.Node {
			t.Errorf("through %s: %s %q by %q (%s), want %q", s.Node, got.Outcome, got.Output, got.Node, got.Error, want)
		}
		_ = r.Close()
	}
	b.must("CONFIG SET replica-serve-stale-data no")
	r, err := p.Reader(t.Context(), system(a, b), b.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if got := r.Do(t.Context(), history.Op{Kind: history.Read, Key: "k"}); got.Outcome != history.Failed || !strings.Contains(got.Error, "MASTERDOWN") {
		t.Errorf("a replica that may serve no old data: %s (%s)", got.Outcome, got.Error)
	}
}

func TestSentinel(t *testing.T) {
	a, b := start(t, "east-1"), start(t, "east-2")
	a.must("CONFIG SET replica-announce-ip localhost")
	b.must("CONFIG SET replica-announce-ip localhost")
	replicate(t, a, b)
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	port := protocoltest.FreePort(t)
	text := fmt.Sprintf("port %s\nbind 127.0.0.1\ndir %s\nsentinel resolve-hostnames yes\nsentinel announce-hostnames yes\nsentinel monitor mymaster localhost %s 1\nsentinel down-after-milliseconds mymaster 1000\n",
		port, t.TempDir(), a.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	protocoltest.Start(t, protocoltest.Required(), "redis-server", file, "--sentinel")
	watcher := &server{protocols.Endpoint{Node: "s-1", Address: "localhost:" + port}, port, "", t, a.protocol}
	settings := redis.Settings{Sentinel: &redis.Sentinel{Master: "mymaster", Nodes: []string{"localhost"}}}
	if _, err := fmt.Sscan(port, &settings.Sentinel.Port); err != nil {
		t.Fatal(err)
	}
	protocoltest.Await(t, "a Sentinel that knows the replica", func() error {
		got, err := watcher.query("SENTINEL replicas mymaster")
		if err == nil && !strings.Contains(got, b.port) {
			err = errors.New("it knows none")
		}
		return err
	})
	c, err := protocol(t, settings).Client(t.Context(), system(b, a), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	servedBy := func(want *server) {
		t.Helper()
		n := 0
		protocoltest.Await(t, "a write by "+string(want.Node), func() error {
			n++
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			got := c.Do(ctx, history.Op{Kind: history.Write, Key: "k", Value: fmt.Sprint(n)})
			if got.Outcome != history.OK || got.Node != want.Node {
				return fmt.Errorf("%s by %q: %s", got.Outcome, got.Node, got.Error)
			}
			return nil
		})
	}
	servedBy(a)
	protocoltest.Await(t, "a failover", func() error { _, err := watcher.query("SENTINEL FAILOVER mymaster"); return err })
	servedBy(b)
	unknown := protocol(t, redis.Settings{Sentinel: &redis.Sentinel{Master: "other", Nodes: []string{"localhost"}, Port: settings.Sentinel.Port}})
	d, err := unknown.Client(t.Context(), system(b, a), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if got := d.Do(t.Context(), history.Op{Kind: history.Read, Key: "k"}); got.Outcome != history.Failed || !strings.Contains(got.Error, `watches no "other"`) {
		t.Errorf("a name that no Sentinel knows: %s (%s)", got.Outcome, got.Error)
	}
}

func TestValidate(t *testing.T) {
	for want, s := range map[string]redis.Settings{
		"password: a user needs":    {Username: "u"},
		"password:":                 {Password: "{{.Scret}}"},
		"database:":                 {Database: -1},
		"wait.replicas: at least":   {Wait: &redis.Wait{}},
		"wait.timeout:":             {Wait: &redis.Wait{Replicas: 1, Timeout: time.Microsecond}},
		"sentinel.master: the name": {Sentinel: &redis.Sentinel{}},
		"sentinel.port:":            {Sentinel: &redis.Sentinel{Master: "m", Port: 70000}},
		"connectTimeout:":           {ConnectTimeout: -1},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
