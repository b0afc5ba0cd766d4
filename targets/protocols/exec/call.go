package exec

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// How far a call has come.
const (
	queued    int32 = iota // the program has not been given it
	sent                   // it has been given it, or part of it
	cancelled              // it will not be given it
)

// call is one operation on its way through the program.
type call struct {
	request request
	since   time.Time
	state   atomic.Int32
	done    chan result // of one
}

// result is an answer, or why there is none.
type result struct {
	answer answer
	lost   error
	unsent bool // the program was not given the operation
}

// exchange gives an operation to the program and waits for its answer.
func (p *program) exchange(ctx context.Context, op history.Op) history.Op {
	c, err := p.register(ctx, op)
	if err != nil {
		return protocols.NotSent(op, err)
	}
	select {
	case p.queue <- c:
	case <-ctx.Done():
	case <-p.over:
	}
	var r result
	select {
	case r = <-c.done:
	case <-ctx.Done():
		r = result{lost: fmt.Errorf("the client program gave no answer: %w", ctx.Err())}
		if c.state.CompareAndSwap(queued, cancelled) {
			p.forget(c)
			r = result{lost: fmt.Errorf("the client program was not given the operation: %w", ctx.Err()), unsent: true}
		}
	}
	switch {
	case r.unsent:
		return protocols.NotSent(op, r.lost)
	case r.lost != nil:
		return lost(op, r.lost)
	}
	done, err := r.answer.complete(op)
	if err != nil {
		return lost(op, err)
	}
	return done
}

// lost completes an operation that may have taken effect.
func lost(op history.Op, err error) history.Op {
	op.Outcome, op.Error = history.Unknown, err.Error()
	if op.Kind.Class() == history.Reads {
		op.Outcome = history.Failed
	}
	return op
}

// register makes the call of an operation, which the program then owes an answer.
func (p *program) register(ctx context.Context, op history.Op) (*call, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.why != nil:
		return nil, p.why
	case len(p.owed) >= maxOwed:
		return nil, errors.New("the client program owes too many answers")
	}
	p.next++
	c := &call{since: time.Now(), done: make(chan result, 1), request: request{
		ID: p.next, Kind: op.Kind, Key: op.Key, Value: op.Value, From: op.From, To: op.To, Amount: op.Amount, Set: op.Set, Stale: op.Stale,
	}}
	if op.Kind == history.CAS {
		c.request.Expect = &op.Expect
	}
	if deadline, ok := ctx.Deadline(); ok {
		c.request.TimeoutMS = max(1, time.Until(deadline).Milliseconds())
	}
	p.owed[p.next] = c
	return c, nil
}

// forget removes a call that the program will not be given.
func (p *program) forget(c *call) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.owed, c.request.ID)
}
