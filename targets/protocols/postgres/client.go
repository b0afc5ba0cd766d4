package postgres

import (
	"context"
	"fmt"
	"strconv"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
)

// client is one simulated user.
type client struct {
	pool   *failover.Pool[*session]
	tables atomic.Bool // they are known to exist
}

// Do carries out the operation once.
func (c *client) Do(ctx context.Context, op history.Op) history.Op {
	sql, args := statement(op)
	if sql == "" && op.Kind != history.Transfer {
		return protocols.Unsupported(op, Name)
	}
	err := c.pool.Use(ctx, func(via protocols.Endpoint, s *session) (err error) {
		s.warning = ""
		if op.Kind == history.Transfer {
			op, err = s.transfer(ctx, via, op)
		} else {
			op, err = s.single(ctx, via, op, sql, args)
		}
		if s.warning != "" && op.Outcome == history.OK && op.Kind.Class() == history.Writes {
			op.Node, op.Applied = "", false
			op = protocols.NoProof(op, via, fmt.Errorf("acknowledged with a warning: %s", s.warning))
		}
		return err
	})
	if err != nil {
		return protocols.NotSent(op, err)
	}
	return op
}

// single carries out an operation that is one statement.
func (s *session) single(ctx context.Context, via protocols.Endpoint, op history.Op, sql string, args []string) (history.Op, error) {
	r, err := s.exec(ctx, sql, args...)
	if err != nil {
		return failed(op, via, err)
	}
	switch op.Kind {
	case history.Read:
		if len(r.Rows) > 0 {
			op.Output = string(r.Rows[0][0])
		}
	case history.SetRead, history.ListRead, history.Balances:
		op.Set = make([]string, len(r.Rows))
		for i, row := range r.Rows {
			op.Set[i] = string(row[0])
		}
	case history.CAS:
		op.Applied = r.CommandTag.RowsAffected() == 1
	}
	return protocols.Acknowledged(op, via), nil
}

// transfer moves money in a transaction, as an application would.
func (s *session) transfer(ctx context.Context, via protocols.Endpoint, op history.Op) (history.Op, error) {
	if _, err := s.simple(ctx, "BEGIN"); err != nil {
		return undone(op, via, err)
	}
	amount := strconv.FormatInt(op.Amount, 10)
	done := true
	for _, step := range []struct{ sql, account string }{{debit, op.From}, {credit, op.To}} {
		r, err := s.exec(ctx, step.sql, op.Key, step.account, amount)
		if err != nil {
			return s.rollBack(ctx, via, op, err)
		}
		if done = r.CommandTag.RowsAffected() == 1; !done {
			break
		}
	}
	if !done { // too little money, or no such account
		if _, err := s.simple(ctx, "ROLLBACK"); err != nil {
			return undone(op, via, err)
		}
		return protocols.Acknowledged(op, via), nil
	}
	r, err := s.simple(ctx, "COMMIT")
	if err != nil {
		return failed(op, via, err)
	}
	if len(r) != 1 || r[0].CommandTag.String() != "COMMIT" {
		return protocols.Rejected(op, via, fmt.Errorf("COMMIT is answered by %s", tags(r))), nil
	}
	op.Applied = true
	return protocols.Acknowledged(op, via), nil
}

// rollBack ends a transaction in which a statement has failed.
func (s *session) rollBack(ctx context.Context, via protocols.Endpoint, op history.Op, cause error) (history.Op, error) {
	op, err := undone(op, via, cause)
	if err == nil {
		_, err = s.simple(ctx, "ROLLBACK")
	}
	return op, err
}

func tags(results []*pgconn.Result) string {
	s := ""
	for _, r := range results {
		s += r.CommandTag.String() + " "
	}
	return s
}

// Close ends the client.
func (c *client) Close() error { return c.pool.Close() }

// reader is a client of one server that writes nothing.
type reader struct{ *client }

// Do carries out a read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		return protocols.RefuseWrite(op)
	}
	return r.client.Do(ctx, op)
}
