// Package postgres is the protocol of PostgreSQL and of what speaks like it.
//
// Registers, sets, lists and accounts are rows of tables, holdfast_register, holdfast_set, holdfast_list and holdfast_account. Each
// operation is one statement that commits by itself, but for a transfer: it is a transaction of two updates and
// a COMMIT. There are no streams: numbers from a sequence do not become visible in their order.
//
// A client uses the first endpoint whose session has the wanted attributes, as libpq does with several hosts and
// target_session_attrs. A reader asks one server, whatever its role.
//
// Outcomes, compared with PostgreSQL 15 (postgres.c, xact.c, syncrep.c):
//
//	what happened                                                   outcome of a write    outcome of a read
//	no server: refused, no answer, starting up (57P03), a standby   failed                failed
//	the statement was not handed to the network                     failed                failed
//	ERROR while the statement or the COMMIT runs, with any SQLSTATE
//	that is not below: the server has undone the transaction.
//	40001 serialization, 40P01 deadlock, 25006 read-only, 57014
//	cancelled, 23505 unique, 42P01 no table, 53100 disk full, ...   failed, rejected      failed, rejected
//	ERROR 40003 completion unknown, 08xxx from a pooler             unknown               failed
//	FATAL or PANIC: 57P01 shutdown, 57P02 crash, ... in a statement unknown               failed
//	connection lost, or time over, in a statement that commits
//	by itself or in COMMIT                                          unknown               failed
//	ERROR, FATAL, connection lost or time over in a transfer before
//	its COMMIT is sent: the server undoes what is not committed     failed                -
//	COMMIT is answered by ROLLBACK                                  failed, rejected      -
//	acknowledged with a WARNING                                     unknown               ok
//	acknowledged                                                    ok                    ok
//
// The WARNING is given when the wait for a synchronous standby is cut short, by a cancellation or by a
// shutdown: the transaction is committed on the primary alone.
//
// When an operation's time is over its connection is closed, and no cancellation is sent: it would end the
// wait for a standby, and so change what is tested.
package postgres

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/workload"
)

// Name is the protocol's name in target files.
const Name = "postgres"

// Settings say how PostgreSQL is used.
type Settings struct {
	// User and Password log in. {{.Secret}} stands for the run's secret. Without a user it is postgres.
	User     string `yaml:"user,omitempty"`
	Password string `yaml:"password,omitempty"`
	// Database is what is connected to. Empty means postgres.
	Database string `yaml:"database,omitempty"`
	// TargetSessionAttrs says which servers clients use: read-write, primary, any, read-only or standby. Empty means read-write.
	TargetSessionAttrs string `yaml:"targetSessionAttrs,omitempty"`
	// SynchronousCommit is the level that clients ask for: off, local, remote_write, on or remote_apply. Empty leaves the server's.
	SynchronousCommit string `yaml:"synchronousCommit,omitempty"`
	// Isolation is that of all transactions: read committed, repeatable read or serializable. Empty leaves the server's.
	Isolation string `yaml:"isolation,omitempty"`
	// CreateTables says whether clients create the tables that are missing. Nil means true. Servers between which tables are
	// replicated logically need them beforehand: docs/clients.md has their definition.
	CreateTables *bool `yaml:"createTables,omitempty"`
	// ConnectTimeout bounds a new connection with its log-in. Zero means 2s.
	ConnectTimeout time.Duration `yaml:"connectTimeout,omitempty"`
}

// sessionAttrs are the checks of a new session.
var sessionAttrs = map[string]pgconn.ValidateConnectFunc{
	"read-write": pgconn.ValidateConnectTargetSessionAttrsReadWrite,
	"read-only":  pgconn.ValidateConnectTargetSessionAttrsReadOnly,
	"primary":    pgconn.ValidateConnectTargetSessionAttrsPrimary,
	"standby":    pgconn.ValidateConnectTargetSessionAttrsStandby,
	"any":        nil,
}

// Protocol returns the protocol with these settings.
func (s *Settings) Protocol() (protocols.Protocol, error) { return New(*s) }

// Validate returns a protocols.FieldError for the first setting that makes no sense.
func (s *Settings) Validate() error {
	for _, f := range []struct {
		field, value string
		valid        []string
	}{
		{"targetSessionAttrs", s.TargetSessionAttrs, []string{"read-write", "primary", "any", "read-only", "standby"}},
		{"synchronousCommit", s.SynchronousCommit, []string{"off", "local", "remote_write", "on", "remote_apply"}},
		{"isolation", s.Isolation, []string{"read committed", "repeatable read", "serializable"}},
	} {
		if err := protocols.OneOf(f.field, f.value, f.valid...); err != nil {
			return err
		}
	}
	if s.ConnectTimeout < 0 {
		return protocols.FieldError{Field: "connectTimeout", Message: "a time-out cannot be negative"}
	}
	return protocols.CheckSecret("password", s.Password)
}

type protocol struct{ settings Settings }

// New returns the protocol, or the error of Validate.
func New(s Settings) (protocols.Protocol, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	for _, d := range []struct {
		field *string
		value string
	}{{&s.User, "postgres"}, {&s.Database, "postgres"}, {&s.TargetSessionAttrs, "read-write"}} {
		if *d.field == "" {
			*d.field = d.value
		}
	}
	if s.ConnectTimeout == 0 {
		s.ConnectTimeout = 2 * failover.DefaultOpenTimeout
	}
	return protocol{s}, nil
}

// Kinds lists what the tables can hold.
func (p protocol) Kinds() []history.Kind {
	return []history.Kind{
		history.Read, history.Write, history.CAS, history.Add, history.SetRead, history.Append, history.Put, history.ListRead,
		history.Open, history.Transfer, history.Balances,
	}
}

// Client makes a client of the first server that has the wanted attributes.
func (p protocol) Client(_ context.Context, s protocols.System, id int) (workload.Client, error) {
	c := &client{}
	create := p.settings.CreateTables == nil || *p.settings.CreateTables
	c.pool = failover.New(failover.Config[*session]{
		Endpoints: s.Preferred(id), OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*session, error) {
			got, err := p.open(ctx, s, to, sessionAttrs[p.settings.TargetSessionAttrs])
			if err != nil || !create || c.tables.Load() {
				return got, err
			}
			if err := got.createTables(ctx); err != nil {
				_ = got.Close()
				return nil, err
			}
			c.tables.Store(true)
			return got, nil
		},
	})
	return c, nil
}

// Reader makes a client that reads one server, whatever its role.
func (p protocol) Reader(_ context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	return reader{&client{pool: failover.New(failover.Config[*session]{
		Endpoints: []protocols.Endpoint{via}, OpenTimeout: p.settings.ConnectTimeout,
		Open: func(ctx context.Context, to protocols.Endpoint) (*session, error) { return p.open(ctx, s, to, nil) },
	})}}, nil
}

// Query runs a query, such as select pg_is_in_recovery(), and returns a line for each row, with | between columns.
func (p protocol) Query(ctx context.Context, s protocols.System, via protocols.Endpoint, query string) (string, error) {
	var lines []string
	c, err := p.open(ctx, s, via, nil)
	if err == nil {
		defer c.Close()
		var results []*pgconn.Result
		results, err = c.simple(ctx, query)
		for _, r := range results {
			for _, row := range r.Rows {
				columns := make([]string, len(row))
				for i, v := range row {
					columns[i] = string(v)
				}
				lines = append(lines, strings.Join(columns, "|"))
			}
		}
	}
	if err != nil {
		return "", fmt.Errorf("postgres query %q of %s: %w", query, via.Node, err)
	}
	return strings.TrimSpace(strings.Join(lines, "\n")), nil
}
