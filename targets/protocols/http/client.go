package http

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/failover"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
)

// client is one simulated user.
type client struct {
	*protocol
	system  protocols.System
	headers http.Header
	pool    *failover.Pool[*wire.Conn]
}

// Do sends the operation's request once.
func (c *client) Do(ctx context.Context, op history.Op) history.Op {
	o := c.operations[op.Kind]
	if o == nil {
		return protocols.Unsupported(op, Name)
	}
	r, err := o.render(op, c.system.Secret)
	if err != nil {
		return protocols.NotSent(op, err)
	}
	for name, values := range c.headers {
		if _, own := r.header[name]; !own {
			r.header[name] = values
		}
	}
	err = c.pool.Use(ctx, func(via protocols.Endpoint, conn *wire.Conn) error {
		got, sent, err := exchange(ctx, conn, r, via)
		switch {
		case err != nil && !sent:
			op = protocols.NotSent(op, err)
			return err
		case err != nil:
			op = protocols.NoProof(op, via, err)
			return err
		case slices.Contains(c.settings.WrongNode, got.status):
			err := fmt.Errorf("status %d: %s", got.status, got.excerpt())
			op = protocols.Rejected(op, via, err)
			return failover.Down{Err: err}
		}
		op = o.outcome(op, via, got)
		if got.last {
			return failover.ErrSpent
		}
		return nil
	})
	if err != nil {
		return protocols.NotSent(op, err)
	}
	return op
}

// Close ends the client.
func (c *client) Close() error { return c.pool.Close() }

// reader is a client of one endpoint that writes nothing.
type reader struct{ *client }

// Do sends a read.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		return protocols.RefuseWrite(op)
	}
	return r.client.Do(ctx, op)
}

// outcome is what an answer means.
func (o *operation) outcome(op history.Op, via protocols.Endpoint, got answer) history.Op {
	switch {
	case slices.Contains(o.Failed, got.status):
		return protocols.Rejected(op, via, fmt.Errorf("status %d: %s", got.status, got.excerpt()))
	case slices.Contains(o.NotApplied, got.status):
		return protocols.Acknowledged(op, via)
	case slices.Contains(o.Missing, got.status):
		return protocols.Acknowledged(op, via)
	case !slices.Contains(o.OK, got.status):
		return protocols.NoProof(op, via, fmt.Errorf("status %d is in none of the operation's lists: %s", got.status, got.excerpt()))
	}
	var err error
	switch op.Kind {
	case history.Read:
		op.Output, err = got.value(o.Answer, o.Encoding)
	case history.SetRead, history.ListRead, history.Messages:
		op.Set, err = got.list(o.Answer, o.Encoding)
	case history.Balances:
		op.Set, err = got.balances(o.Answer)
	case history.CAS, history.Transfer:
		op.Applied = true
		if o.Applied != "" {
			op.Applied, err = got.truth(o.Applied)
		}
	}
	if err != nil {
		op.Output, op.Set, op.Applied = "", nil, false
		return protocols.NoProof(op, via, fmt.Errorf("status %d: %w", got.status, err))
	}
	return protocols.Acknowledged(op, via)
}
