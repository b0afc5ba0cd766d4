package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/postgres"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a running PostgreSQL.
type server struct {
	protocols.Endpoint
	bin, data, port string
	t               *testing.T
	protocol        protocols.Protocol
	cmd             *osexec.Cmd
}

// programs is the folder of the newest PostgreSQL that Debian has installed here. The test is skipped if there is none.
func programs(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Skip("no PostgreSQL is installed here")
	}
	return slices.Max(found)
}

// asServer makes a command run as a user that PostgreSQL accepts, which root is not.
func asServer(t *testing.T, cmd *osexec.Cmd) {
	t.Helper()
	if os.Getuid() != 0 {
		return
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		t.Skip(err)
	}
	uid, _ := strconv.ParseUint(u.Uid, 10, 32)
	gid, _ := strconv.ParseUint(u.Gid, 10, 32)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

// folder is one that the server's user can write to.
func folder(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "holdfast-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	return dir
}

func (s *server) run(program string, args ...string) {
	s.t.Helper()
	cmd := osexec.CommandContext(s.t.Context(), filepath.Join(s.bin, program), args...)
	asServer(s.t, cmd)
	cmd.Dir = "/"
	if out, err := cmd.CombinedOutput(); err != nil {
		s.t.Fatalf("%s: %v\n%s", program, err, out)
	}
}

// start starts a server of its own, or a standby of another. Its settings are NAME=VALUE.
func start(t *testing.T, name string, of *server, settings ...string) *server {
	t.Helper()
	dir := folder(t)
	s := &server{bin: programs(t), data: filepath.Join(dir, "data"), port: protocoltest.FreePort(t), t: t}
	s.Endpoint = protocols.Endpoint{Node: topology.NodeID(name), Region: "east", Address: "127.0.0.1:" + s.port}
	s.protocol = protocol(t, postgres.Settings{})
	if of == nil {
		s.run("initdb", "-D", s.data, "-U", "postgres", "-A", "trust", "-N", "--locale=C", "-E", "UTF8")
	} else {
		s.run("pg_basebackup", "-D", s.data, "-h", "127.0.0.1", "-p", of.port, "-U", "postgres", "-R", "-c", "fast", "--no-sync")
		settings = append(settings, "primary_conninfo=host=127.0.0.1 port="+of.port+" user=postgres application_name="+name)
	}
	args := []string{"-D", s.data, "-p", s.port, "-h", "127.0.0.1", "-k", dir, "-F", "-c", "shared_buffers=16MB", "-c", "wal_receiver_status_interval=1s"}
	for _, v := range settings {
		args = append(args, "-c", v)
	}
	s.cmd = osexec.Command(filepath.Join(s.bin, "postgres"), args...)
	asServer(t, s.cmd)
	s.cmd.Dir = "/"
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.cmd.Process.Signal(syscall.SIGQUIT) // ends its children too; it may have ended
		_ = s.cmd.Wait()
		if said, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("%s:\n%s", name, said)
		}
	})
	protocoltest.Await(t, "an answer of "+name, func() error { _, err := s.query("select 1"); return err })
	return s
}

func protocol(t *testing.T, s postgres.Settings) protocols.Protocol {
	t.Helper()
	p, err := postgres.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// dial leads to 127.0.0.1, whatever the host is called.
func dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
}

func system(of ...*server) protocols.System {
	s := protocols.System{Dial: dial}
	for _, o := range of {
		s.Endpoints = append(s.Endpoints, o.Endpoint)
	}
	return s
}

func (s *server) query(q string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return s.protocol.Query(ctx, system(), s.Endpoint, q)
}

func (s *server) must(q string) string {
	s.t.Helper()
	got, err := s.query(q)
	if err != nil {
		s.t.Fatal(err)
	}
	return got
}

// do carries out an operation with a new client that has been served, after prepare.
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

func TestConformance(t *testing.T) {
	s := start(t, "east-1", nil)
	twin := s.Endpoint
	twin.Node, twin.Address = "east-2", "twin:"+s.port
	protocoltest.Run(t, protocoltest.Subject{
		Protocol:  protocol(t, postgres.Settings{SynchronousCommit: "on", Isolation: "serializable"}),
		Endpoints: []protocols.Endpoint{s.Endpoint, twin}, Dial: dial, Query: "select pg_is_in_recovery()", Answer: "f",
	})
}

var (
	write    = history.Op{Kind: history.Write, Key: "k", Value: "1"}
	transfer = history.Op{Kind: history.Transfer, Key: "b", From: "x", To: "y", Amount: 1}
)

// What a real server answers, and what it then holds. The statement is run by a trigger within the operation's.
func TestErrorsOfTheServer(t *testing.T) {
	s := start(t, "east-1", nil)
	p := protocol(t, postgres.Settings{})
	if got := do(t, p, system(s), func() {}, history.Op{Kind: history.Open, Key: "b", Set: []string{"x", "y"}, Amount: 10}); got.Outcome != history.OK {
		t.Fatal(got.Error)
	}
	raise := func(code string) string {
		return "CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE EXCEPTION 'test' USING ERRCODE = '" + code + "'; END $f$"
	}
	for name, tt := range map[string]struct {
		function string
		when     string          // the constraint trigger runs in the statement, or in COMMIT
		want     history.Outcome // of a write
		transfer history.Outcome
		reason   string
		rejected bool
	}{
		"serialization failure":     {raise("40001"), "IMMEDIATE", history.Failed, history.Failed, "40001", true},
		"serialization, in COMMIT":  {raise("40001"), "DEFERRED", history.Failed, history.Failed, "40001", true},
		"deadlock":                  {raise("40P01"), "IMMEDIATE", history.Failed, history.Failed, "40P01", true},
		"cancelled":                 {raise("57014"), "IMMEDIATE", history.Failed, history.Failed, "57014", true},
		"disk full":                 {raise("53100"), "IMMEDIATE", history.Failed, history.Failed, "53100", true},
		"completion unknown":        {raise("40003"), "DEFERRED", history.Unknown, history.Unknown, "40003", false},
		"a pooler has lost it":      {raise("08006"), "DEFERRED", history.Unknown, history.Unknown, "08006", false},
		"the session is terminated": {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $f$", "IMMEDIATE", history.Unknown, history.Failed, "57P01", false},
		"terminated in COMMIT":      {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NULL; END $f$", "DEFERRED", history.Unknown, history.Unknown, "57P01", false},
		"a warning":                 {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE WARNING 'half done'; RETURN NULL; END $f$", "DEFERRED", history.Unknown, history.Unknown, "half done", false},
		"a notice":                  {"CREATE OR REPLACE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN RAISE NOTICE 'all well'; RETURN NULL; END $f$", "DEFERRED", history.OK, history.OK, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s.must(tt.function)
			for _, table := range []string{"holdfast_register", "holdfast_account"} {
				s.must("CREATE CONSTRAINT TRIGGER t AFTER INSERT OR UPDATE ON " + table + " DEFERRABLE INITIALLY " + tt.when + " FOR EACH ROW EXECUTE FUNCTION f()")
			}
			defer func() {
				s.must("DROP TRIGGER t ON holdfast_register; DROP TRIGGER t ON holdfast_account; DELETE FROM holdfast_register")
			}()
			before := s.must("select * from holdfast_account order by 2")
			for _, op := range []history.Op{write, transfer} {
				want := tt.want
				if op.Kind == history.Transfer {
					want = tt.transfer
				}
				got := do(t, p, system(s), func() {}, op)
				if got.Outcome != want || !strings.Contains(got.Error, tt.reason) || got.Outcome == history.Failed && op.Kind == history.Write && got.Rejected != tt.rejected {
					t.Errorf("%s is %s, rejected %v (%s), want %s", op.Kind, got.Outcome, got.Rejected, got.Error, want)
				}
				if got.Outcome == history.Failed {
					if left := s.must("select * from holdfast_register"); left != "" {
						t.Errorf("a failed write left %s", left)
					}
					if after := s.must("select * from holdfast_account order by 2"); after != before {
						t.Errorf("a failed transfer made\n%s of\n%s", after, before)
					}
				}
			}
		})
	}
}

func TestAServerThatBecomesReadOnly(t *testing.T) {
	s := start(t, "east-1", nil)
	readOnly := func() { s.must("ALTER DATABASE postgres SET default_transaction_read_only = on") }
	p := protocol(t, postgres.Settings{})
	// Sessions that are open stay as they are; a new one is refused because of its attributes.
	if got := do(t, p, system(s), readOnly, write); got.Outcome != history.OK {
		t.Errorf("in an open session: %s (%s)", got.Outcome, got.Error)
	}
	c, err := p.Client(t.Context(), system(s), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if got := c.Do(t.Context(), write); got.Outcome != history.Failed || got.Rejected || !strings.Contains(got.Error, "read only") {
		t.Errorf("in a new session: %s, rejected %v (%s)", got.Outcome, got.Rejected, got.Error)
	}
	anySession := protocol(t, postgres.Settings{TargetSessionAttrs: "any", CreateTables: new(bool)})
	for _, op := range []history.Op{write, transfer} {
		if got := do(t, anySession, system(s), func() {}, op); got.Outcome != history.Failed || !got.Rejected || !strings.Contains(got.Error, "25006") {
			t.Errorf("%s in any session: %s, rejected %v (%s)", op.Kind, got.Outcome, got.Rejected, got.Error)
		}
	}
}

func TestStandby(t *testing.T) {
	a := start(t, "east-1", nil, "wal_level=replica", "max_wal_senders=4")
	b := start(t, "east-2", a)
	p := protocol(t, postgres.Settings{SynchronousCommit: "on"})
	a.must("ALTER SYSTEM SET synchronous_standby_names = '\"east-2\"'") // it cannot be in one transaction with others
	a.must("SELECT pg_reload_conf()")
	protocoltest.Await(t, "a synchronous standby", func() error {
		if got := a.must("select sync_state from pg_stat_replication"); got != "sync" {
			return fmt.Errorf("state %q", got)
		}
		return nil
	})
	if got := do(t, p, system(b, a), func() {}, write); got.Outcome != history.OK || got.Node != "east-1" {
		t.Errorf("with a standby: %s by %q (%s)", got.Outcome, got.Node, got.Error)
	}
	for _, s := range []*server{a, b} {
		r, err := p.Reader(t.Context(), system(a, b), s.Endpoint)
		if err != nil {
			t.Fatal(err)
		}
		protocoltest.Await(t, "the value on "+string(s.Node), func() error {
			if got := r.Do(t.Context(), history.Op{Kind: history.Read, Key: "k"}); got.Output != "1" || got.Node != s.Node {
				return fmt.Errorf("%s %q by %q (%s)", got.Outcome, got.Output, got.Node, got.Error)
			}
			return nil
		})
		if got := r.Do(t.Context(), write); got.Outcome != history.Failed {
			t.Errorf("a write by a reader: %s", got.Outcome)
		}
		_ = r.Close()
	}

	// A commit whose wait for the standby is cut short is acknowledged with a warning.
	cancelling, stop := context.WithTimeout(t.Context(), 10*time.Second)
	defer stop()
	var canceller sync.WaitGroup
	cut := do(t, p, system(a), func() {
		if err := b.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		for pid := range strings.FieldsSeq(a.must("select pid from pg_stat_replication")) {
			a.must("select pg_terminate_backend(" + pid + ")")
		}
		canceller.Go(func() {
			waiting := "select pg_cancel_backend(pid) from pg_stat_activity where wait_event = 'SyncRep'"
			for ; cancelling.Err() == nil; time.Sleep(10 * time.Millisecond) {
				if got, err := a.query(waiting); err == nil && got != "" {
					return
				}
			}
		})
	}, history.Op{Kind: history.Write, Key: "k", Value: "2"})
	stop()
	canceller.Wait()
	if cut.Outcome != history.Unknown || !strings.Contains(cut.Error, "canceling wait for synchronous replication") {
		t.Errorf("a wait that was cut short: %s (%s)", cut.Outcome, cut.Error)
	}
	if err := b.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}

	// Promotion: the client goes from the dead primary to the new one.
	c, err := p.Client(t.Context(), system(a, b), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := a.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		t.Fatal(err)
	}
	b.must("select pg_promote()")
	protocoltest.Await(t, "a write by the new primary", func() error {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if got := c.Do(ctx, history.Op{Kind: history.Write, Key: "k", Value: "3"}); got.Outcome != history.OK || got.Node != "east-2" {
			return errors.New(string(got.Outcome) + ": " + got.Error)
		}
		return nil
	})
}

func TestValidate(t *testing.T) {
	for want, s := range map[string]postgres.Settings{
		`targetSessionAttrs: "read-wirte" is none of`: {TargetSessionAttrs: "read-wirte"},
		`did you mean "remote_apply"?`:                {SynchronousCommit: "remote_aply"},
		`isolation: "snapshot" is none of`:            {Isolation: "snapshot"},
		"password:":                                   {Password: "{{.Scret}}"},
		"connectTimeout:":                             {ConnectTimeout: -1},
	} {
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
