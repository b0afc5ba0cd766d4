// Package redis is the protocol of Redis and of what speaks like it: Valkey, KeyDB, Dragonfly.
//
// A register is a string (GET, SET), a set is a set (SADD, SMEMBERS), a list is a list (RPUSH, LRANGE), and a bank is a hash. A
// compare-and-set, the replacement of a list and a transfer are Lua scripts (EVAL), which a server carries out
// without anything in between.
//
// A client uses the primary: the first endpoint whose ROLE is master, or the one that Sentinel names. It sends each command
// once, over a connection on which the server has answered ROLE. A reader asks one node, whatever its role.
//
// Outcomes, compared with Redis 7.0 to 7.4 (server.c processCommand, script.c scriptVerifyWriteCommandAllow, replication.c waitCommand):
//
//	what happened                                                  outcome of a write    outcome of a read
//	no primary: refused, no answer to ROLE, a replica, no Sentinel failed                failed
//	the command was not handed to the network                      failed                failed
//	no answer: time-out, connection reset or closed                unknown               failed
//	an answer that is no RESP or of another type                   unknown               failed
//	READONLY       the server is a replica                         failed, rejected      failed, rejected
//	LOADING        it reads its data                               failed, rejected      failed, rejected
//	MASTERDOWN     a replica without its primary                   failed, rejected      failed, rejected
//	NOREPLICAS     fewer good replicas than min-replicas-to-write  failed, rejected      failed, rejected
//	CLUSTERDOWN, MOVED, ASK, TRYAGAIN, CROSSSLOT                   failed, rejected      failed, rejected
//	OOM, MISCONF, BUSY, NOAUTH, NOPERM, WRONGPASS, WRONGTYPE       failed, rejected      failed, rejected
//	ERR unknown command, ERR wrong number of arguments             failed, rejected      failed, rejected
//	any other error: a proxy in front of Redis has its own         unknown               failed
//	acknowledged, and WAIT counts as many replicas as asked        ok                    -
//	acknowledged, and WAIT counts fewer, or gives no count         unknown               -
//
// All errors that are listed are given before a command is carried out, and in scripts before their first write. A
// write without an acknowledgement by WAIT is not undone by Redis: it may survive or not, so it is unknown.
//
// go-redis is not used: it retries, and its client for Sentinel cannot say which node has answered.
package redis

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
	"github.com/mcp-resilience/holdfast/workload"
)

// Name is the protocol's name in target files.
const Name = "redis"

// Settings say how Redis is used.
type Settings struct {
	// Username and Password log in. {{.Secret}} stands for the run's secret. Without a username it is the user default.
	Username string `yaml:"username,omitempty"`
	Password string `yaml:"password,omitempty"`
	// Database is the number of the database.
	Database int `yaml:"database,omitempty"`
	// Prefix begins every key that the client uses. Empty means "holdfast:".
	Prefix string `yaml:"prefix,omitempty"`
	// Wait makes a write wait for replicas.
	Wait *Wait `yaml:"wait,omitempty"`
	// Sentinel finds the primary. Without it clients ask the nodes for their role.
	Sentinel *Sentinel `yaml:"sentinel,omitempty"`
	// ConnectTimeout bounds a new connection with its log-in, and the search for the primary. Zero means 1s.
	ConnectTimeout time.Duration `yaml:"connectTimeout,omitempty"`
}

// Wait is WAIT after each write, in the same exchange.
type Wait struct {
	// Replicas is how many replicas must have the write before it counts as acknowledged.
	Replicas int `yaml:"replicas"`
	// Timeout is how long the server waits for them. Zero means as long as the operation may take.
	Timeout time.Duration `yaml:"timeout,omitempty"`
}

// Sentinel says where Sentinels are and what they watch. They must announce names and not addresses:
// sentinel resolve-hostnames yes, sentinel announce-hostnames yes.
type Sentinel struct {
	// Master is the name under which they watch the primary.
	Master string `yaml:"master"`
	// Port is where a Sentinel listens. Zero means 26379.
	Port int `yaml:"port,omitempty"`
	// Nodes have a Sentinel each. Empty means every node that holds data.
	Nodes []string `yaml:"nodes,omitempty"`
	// Password logs in to Sentinels. {{.Secret}} stands for the run's secret.
	Password string `yaml:"password,omitempty"`
}

// Protocol returns the protocol with these settings.
func (s *Settings) Protocol() (protocols.Protocol, error) { return New(*s) }

// Validate returns a protocols.FieldError for the first setting that makes no sense.
func (s *Settings) Validate() error {
	wrong := func(field, message string) error { return protocols.FieldError{Field: field, Message: message} }
	switch {
	case s.Username != "" && s.Password == "":
		return wrong("password", "a user needs a password")
	case s.Database < 0:
		return wrong("database", "a number of a database cannot be negative")
	case s.ConnectTimeout < 0:
		return wrong("connectTimeout", "a time-out cannot be negative")
	case s.Wait != nil && s.Wait.Replicas < 1:
		return wrong("wait.replicas", "at least one replica can be waited for; leave wait out to wait for none")
	case s.Wait != nil && s.Wait.Timeout != 0 && s.Wait.Timeout < time.Millisecond:
		return wrong("wait.timeout", "the server counts in whole milliseconds, from 1ms")
	case s.Sentinel != nil && s.Sentinel.Master == "":
		return wrong("sentinel.master", "the name under which the Sentinels watch the primary is needed, such as mymaster")
	case s.Sentinel != nil && (s.Sentinel.Port < 0 || s.Sentinel.Port > 65535):
		return wrong("sentinel.port", "a port is a number from 1 to 65535")
	}
	if err := protocols.CheckSecret("password", s.Password); err != nil || s.Sentinel == nil {
		return err
	}
	return protocols.CheckSecret("sentinel.password", s.Sentinel.Password)
}

type protocol struct{ settings Settings }

// New returns the protocol, or the error of Validate.
func New(s Settings) (protocols.Protocol, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if s.Prefix == "" {
		s.Prefix = "holdfast:"
	}
	if s.ConnectTimeout == 0 {
		s.ConnectTimeout = failover.DefaultOpenTimeout
	}
	return protocol{s}, nil
}

// Kinds lists what Redis can do.
func (p protocol) Kinds() []history.Kind {
	return []history.Kind{
		history.Read, history.Write, history.CAS, history.Add, history.SetRead, history.Append, history.Put, history.ListRead,
		history.Open, history.Transfer, history.Balances,
	}
}

// Client makes a client of the primary.
func (p protocol) Client(_ context.Context, s protocols.System, id int) (workload.Client, error) {
	cfg := failover.Config[*wire.Conn]{
		Endpoints: s.Preferred(id), OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*wire.Conn, error) { return p.openPrimary(ctx, s, to) },
	}
	if p.settings.Sentinel != nil {
		cfg.Discover = func(ctx context.Context) (protocols.Endpoint, error) { return p.askSentinels(ctx, s, id) }
	}
	return &client{protocol: p, pool: failover.New(cfg)}, nil
}

// Reader makes a client that reads one node, whatever its role.
func (p protocol) Reader(_ context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	return reader{&client{protocol: p, pool: failover.New(failover.Config[*wire.Conn]{
		Endpoints: []protocols.Endpoint{via}, OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*wire.Conn, error) {
			return p.open(ctx, s, to, func(*wire.Conn) error { return nil })
		},
	})}}, nil
}

// connect dials a server, and logs in and selects the database where the settings say so. It does not prove
// that the server answers where they do not.
func (p protocol) connect(ctx context.Context, s protocols.System, address, user, password string, database int) (*wire.Conn, error) {
	raw, err := s.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	c := wire.New(raw)
	if err := logIn(ctx, c, s.Secret, user, password, database); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

func logIn(ctx context.Context, c *wire.Conn, runSecret, user, password string, database int) error {
	secret, err := protocols.WithSecret(password, runSecret)
	if err != nil {
		return err
	}
	var commands [][]string
	switch {
	case user != "":
		commands = append(commands, []string{"AUTH", user, secret})
	case secret != "":
		commands = append(commands, []string{"AUTH", secret})
	}
	if database != 0 {
		commands = append(commands, []string{"SELECT", fmt.Sprint(database)})
	}
	for _, command := range commands {
		if _, err := ask(ctx, c, command...); err != nil {
			return fmt.Errorf("%s: %w", command[0], err)
		}
	}
	return nil
}

// openPrimary connects to a server and returns once it has answered that it is a primary which has its data.
func (p protocol) openPrimary(ctx context.Context, s protocols.System, to protocols.Endpoint) (*wire.Conn, error) {
	return p.open(ctx, s, to, func(c *wire.Conn) error {
		role, err := ask(ctx, c, "ROLE")
		if err == nil && (len(role.items) == 0 || role.items[0].text != "master") {
			err = errors.New("it is a replica")
		}
		return err
	})
}

// open connects to a server and returns once it has answered and has its data, and check finds nothing wrong.
func (p protocol) open(ctx context.Context, s protocols.System, to protocols.Endpoint, check func(*wire.Conn) error) (*wire.Conn, error) {
	c, err := p.connect(ctx, s, to.Address, p.settings.Username, p.settings.Password, p.settings.Database)
	if err != nil {
		return nil, err
	}
	// PING is refused while the server loads its data, which ROLE is not.
	if _, err = ask(ctx, c, "PING"); err == nil {
		err = check(c)
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}

// ask sends one command. An answer that is an error of the server is a serverError.
func ask(ctx context.Context, c *wire.Conn, command ...string) (reply, error) {
	var r reply
	_, err := c.Exchange(ctx, encode(nil, command), func(in *bufio.Reader) (err error) {
		r, err = decode(in)
		return err
	})
	if err == nil && r.kind == errorReply {
		err = serverError(r.text)
	}
	return r, err
}

// Query sends a command, such as ROLE or INFO replication, and returns the answer with one element a line. A word
// with white space stands in quotes.
func (p protocol) Query(ctx context.Context, s protocols.System, via protocols.Endpoint, query string) (string, error) {
	words, err := splitWords(query)
	if err != nil {
		return "", fmt.Errorf("redis query %q of %s: %w", query, via.Node, err)
	}
	c, err := p.connect(ctx, s, via.Address, p.settings.Username, p.settings.Password, p.settings.Database)
	if err != nil {
		return "", fmt.Errorf("redis query %q of %s: %w", query, via.Node, err)
	}
	defer c.Close()
	r, err := ask(ctx, c, words...)
	if err != nil {
		return "", fmt.Errorf("redis query %q of %s: %w", query, via.Node, err)
	}
	return strings.TrimSpace(strings.ReplaceAll(r.String(), "\r\n", "\n")), nil
}
