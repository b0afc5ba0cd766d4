package postgres

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
)

// session is one session with one server.
type session struct {
	conn    *pgconn.PgConn
	raw     *wire.Watched
	spent   bool   // a time was over while it was used
	warning string // that the server has given in the present operation
}

// open makes a session and checks it.
func (p protocol) open(ctx context.Context, s protocols.System, to protocols.Endpoint, check pgconn.ValidateConnectFunc) (*session, error) {
	host, portText, err := net.SplitHostPort(to.Address)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("port of %s: %w", to.Address, err)
	}
	out := &session{}
	cfg, err := p.config(s)
	if err != nil {
		return nil, err
	}
	cfg.Host, cfg.Port, cfg.ValidateConnect = host, uint16(port), check
	var dialled atomic.Bool
	cfg.DialFunc = func(ctx context.Context, network, _ string) (net.Conn, error) {
		if dialled.Swap(true) { // the driver would cancel a statement over a second connection
			return nil, errors.New("a session has one connection")
		}
		raw, err := s.Dial(ctx, network, to.Address)
		if err != nil {
			return nil, err
		}
		out.raw = wire.Watch(raw)
		return out.raw, nil
	}
	cfg.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			out.warning = fmt.Sprintf("%s (SQLSTATE %s)", n.Message, n.Code)
		}
	}
	if out.conn, err = pgconn.ConnectConfig(ctx, cfg); err != nil {
		if out.raw != nil {
			_ = out.raw.Close() // else the driver drains it for 15 s
		}
		return nil, err
	}
	out.raw.Park()
	return out, nil
}

// config is the driver's, without what it takes from the environment and from files of the user.
func (p protocol) config(s protocols.System) (*pgconn.Config, error) {
	cfg, err := pgconn.ParseConfig("host=x port=1 user=x password=x dbname=x sslmode=disable passfile=/dev/null target_session_attrs=any")
	if err != nil {
		return nil, err
	}
	if cfg.Password, err = protocols.WithSecret(p.settings.Password, s.Secret); err != nil {
		return nil, err
	}
	cfg.User, cfg.Database = p.settings.User, p.settings.Database
	cfg.TLSConfig, cfg.Fallbacks = nil, nil
	cfg.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
	cfg.RuntimeParams = map[string]string{"application_name": "holdfast"}
	if p.settings.SynchronousCommit != "" {
		cfg.RuntimeParams["synchronous_commit"] = p.settings.SynchronousCommit
	}
	if p.settings.Isolation != "" {
		cfg.RuntimeParams["default_transaction_isolation"] = p.settings.Isolation
	}
	return cfg, nil
}

// exec runs one statement that commits by itself, or is part of a transaction. The driver is given no
// context: at its end it would send a cancellation.
func (c *session) exec(ctx context.Context, sql string, args ...string) (*pgconn.Result, error) {
	values := make([][]byte, len(args))
	for i, a := range args {
		values[i] = []byte(a)
	}
	var r *pgconn.Result
	err := c.bounded(ctx, func() error {
		r = c.conn.ExecParams(context.Background(), sql, values, nil, nil, nil).Read()
		return r.Err
	})
	return r, err
}

// simple runs statements without arguments.
func (c *session) simple(ctx context.Context, sql string) (results []*pgconn.Result, err error) {
	err = c.bounded(ctx, func() (err error) {
		results, err = c.conn.Exec(context.Background(), sql).ReadAll()
		return err
	})
	return results, err
}

// bounded runs f until ctx ends.
func (c *session) bounded(ctx context.Context, f func() error) error {
	if err := ctx.Err(); err != nil {
		return unsent{err}
	}
	stop := wire.Bound(ctx, c.raw)
	err := f()
	c.spent = !stop() // the deadline is being set
	switch {
	case !c.spent && !c.conn.IsClosed():
		c.raw.Park()
	case err != nil && ctx.Err() != nil && !isServerError(err):
		if pgconn.SafeToRetry(err) {
			return unsent{ctx.Err()}
		}
		return ctx.Err()
	}
	return err
}

// unsent is an error from before anything was sent.
type unsent struct{ error }

func (unsent) SafeToRetry() bool { return true }

// Usable reports whether the idle session is open.
func (c *session) Usable() bool { return !c.spent && !c.conn.IsClosed() && c.raw.Usable() }

// Close closes the connection, which ends the session and undoes what is not committed.
func (c *session) Close() error {
	err := c.raw.Close()
	_ = c.conn.Close(context.Background()) // it says good-bye on a connection that is closed
	<-c.conn.CleanupDone()
	return err
}
