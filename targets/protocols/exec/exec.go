// Package exec is the protocol for systems whose client exists in another language: a program that
// reads operations as lines of JSON from its standard input and writes an answer to each as a line of JSON to its
// standard output. docs/clients.md describes the lines; examples/exec has such programs in Python and shell.
//
// One process is started for each client. It finds the nodes in its environment, as addresses on 127.0.0.1: there this
// process listens and forwards to the node over the links of the client's region, so that faults on links reach it.
//
// Outcomes:
//
//	what happened                                                  outcome of a write    outcome of a read
//	the program answers ok                                         ok                    ok
//	the program answers failed                                     failed                failed
//	the program answers unknown                                    unknown               failed
//	the answer has a field that does not belong, or lacks one      unknown               failed
//	the time is over before the program was given the operation    failed                failed
//	the time is over after that                                    unknown               failed
//	the program ends, or is ended, after it was given it           unknown               failed
//	the program cannot be started, or is not running yet again     failed                failed
//
// The program is ended, and the reason is in the error of every operation that it owed an answer, when it writes what is
// no JSON, a line of more than 16 MiB, or an answer to an operation that it was not given, and when operations wait
// for longer than hangTimeout while it answers none. It is started again, at most once a second. Its path and arguments come from a target
// file that the user wrote, never from a record.
package exec

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/workload"
)

// Name is the protocol's name in target files.
const Name = "exec"

type protocol struct{ settings Settings }

// New returns the protocol, or the error of Validate.
func New(s Settings) (protocols.Protocol, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return protocol{s}, nil
}

// Kinds lists what the settings say that the program can do.
func (p protocol) Kinds() []history.Kind { return p.settings.Operations }

// Client starts the program for a client.
func (p protocol) Client(_ context.Context, s protocols.System, id int) (workload.Client, error) {
	return start(p.settings, s, s.Preferred(id), "client", id)
}

// Reader starts the program for reads through one endpoint, which is the only one that it is told of.
func (p protocol) Reader(_ context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	c, err := start(p.settings, s, []protocols.Endpoint{via}, "reader", 0)
	if err != nil {
		return nil, err
	}
	return reader{c}, nil
}

// Query starts the program for one operation of kind query, whose value is the query. Its output is the answer.
func (p protocol) Query(ctx context.Context, s protocols.System, via protocols.Endpoint, query string) (string, error) {
	c, err := start(p.settings, s, []protocols.Endpoint{via}, "query", 0)
	if err != nil {
		return "", err
	}
	op := c.exchange(ctx, history.Op{Kind: kindQuery, Value: query})
	if err := c.Close(); err != nil {
		return "", err
	}
	if op.Outcome != history.OK {
		return "", fmt.Errorf("query %q of %s by %s: %w", query, via.Node, p.settings.Command[0], errors.New(op.Error))
	}
	return strings.TrimSpace(op.Output), nil
}

// reader refuses writes.
type reader struct{ *client }

// Do hands a read to the program.
func (r reader) Do(ctx context.Context, op history.Op) history.Op {
	if op.Kind.Class() != history.Reads {
		return protocols.RefuseWrite(op)
	}
	return r.client.Do(ctx, op)
}
