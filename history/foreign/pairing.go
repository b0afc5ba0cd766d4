package foreign

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/history"
)

// pairing makes operations of invocations and completions. A process has one operation under way at a time.
type pairing struct {
	open map[int]*invocation
	ops  []history.Op
}

// place is where an event stands: its line, and what it counts for as an instant. No two events have the same.
type place struct{ line, at int }

// invocation is an operation under way. One transaction may be several operations of ours.
type invocation struct {
	line int
	f    string
	ops  []history.Op
}

// invoke begins operations of a process. They are complete but for their outcome.
func (p *pairing) invoke(process int, at place, f string, ops ...history.Op) error {
	if p.open == nil {
		p.open = map[int]*invocation{}
	}
	if before := p.open[process]; before != nil {
		return fmt.Errorf(":%d: process %d invokes %s while its %s of line %d is under way", at.line, process, f, before.f, before.line)
	}
	for i := range ops {
		ops[i].Client, ops[i].Call, ops[i].Intended = process, instant(at.at), instant(at.at)
	}
	p.open[process] = &invocation{at.line, f, ops}
	return nil
}

// complete ends the operation of a process; finish sets the outcome, and may change what the operations are.
func (p *pairing) complete(process int, at place, f string, finish func(ops []history.Op) ([]history.Op, error)) error {
	before := p.open[process]
	switch {
	case before == nil:
		return fmt.Errorf(":%d: process %d completes %s, which it has not invoked", at.line, process, f)
	case before.f != f:
		return fmt.Errorf(":%d: process %d completes %s, but invoked %s at line %d", at.line, process, f, before.f, before.line)
	}
	delete(p.open, process)
	ops, err := finish(before.ops)
	if err != nil {
		return fmt.Errorf(":%d: %w", at.line, err)
	}
	for i := range ops {
		ops[i].Return = instant(at.at)
	}
	p.add(ops)
	return nil
}

// finish returns all operations. What is still under way has no answer.
func (p *pairing) finish(end int) []history.Op {
	for _, before := range p.open {
		for i := range before.ops {
			before.ops[i].Outcome, before.ops[i].Return = history.Unknown, instant(end+1)
		}
		p.add(before.ops)
	}
	return p.ops
}

func (p *pairing) add(ops []history.Op) {
	for _, op := range ops {
		op.ID = int64(len(p.ops) + 1)
		p.ops = append(p.ops, op)
	}
}

// all gives every operation the same outcome.
func all(outcome history.Outcome) func([]history.Op) ([]history.Op, error) {
	return func(ops []history.Op) ([]history.Op, error) {
		for i := range ops {
			ops[i].Outcome = outcome
		}
		return ops, nil
	}
}
