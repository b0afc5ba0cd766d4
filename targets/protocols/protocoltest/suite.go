// Package protocoltest is the conformance suite of protocols. It tests against a real server what a verdict relies on:
// above all that a write which is reported as Failed does not take effect.
package protocoltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/workload"
)

// Subject is a protocol with a server that runs.
type Subject struct {
	Protocol protocols.Protocol
	// Endpoints lead to the server. With two or more, a client must leave one that it cannot reach. All show the same data.
	Endpoints []protocols.Endpoint
	// Dial reaches the server by the address of an endpoint.
	Dial Dialer
	// Secret is handed on to the protocol.
	Secret string
	// Query and Answer are a query about a node and what it answers.
	Query, Answer string
}

// Case is one test. Its error says what is wrong with the protocol.
type Case struct {
	Name  string
	Check func(ctx context.Context, s Subject) error
}

// caseTimeout bounds a case, and with it a protocol that hangs. A working one never waits for it.
const caseTimeout = 30 * time.Second

var past = time.Unix(1, 0)

// Run runs every case. Whoever calls it should have goleak verify that the clients leave nothing behind.
func Run(t *testing.T, s Subject) {
	for _, c := range Cases {
		t.Run(c.Name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), caseTimeout)
			defer cancel()
			if err := c.Check(ctx, s); err != nil {
				t.Error(err)
			}
		})
	}
}

// session is one client with a network of its own.
type session struct {
	Subject
	network *network
	client  workload.Client
	name    string // makes keys unique
}

var errTooSlow = errors.New("it has not returned")

// withClient calls f with a new client that has been served once, so that it has an open connection.
func withClient(ctx context.Context, s Subject, name string, f func(ctx context.Context, u *session) error) error {
	n := newNetwork(s.Dial)
	defer n.closeAll()
	u := &session{s, n, nil, fmt.Sprintf("%s-%d", name, time.Now().UnixNano())}
	var err error
	if u.client, err = s.Protocol.Client(ctx, u.system(), 0); err != nil {
		return fmt.Errorf("make a client: %w", err)
	}
	if _, err = u.must(ctx, history.Op{Kind: history.Read, Key: u.name}); err == nil {
		err = f(ctx, u)
	}
	n.set(pass, "")
	if e := u.client.Close(); e != nil {
		err = errors.Join(err, fmt.Errorf("close the client: %w", e))
	}
	return err
}

func (u *session) system() protocols.System {
	return protocols.System{Endpoints: u.Endpoints, Dial: u.network.Dial, Secret: u.Secret}
}

// do carries out an operation within a time. One that does not return although its time is over is an error.
func (u *session) do(ctx context.Context, limit time.Duration, op history.Op) (history.Op, error) {
	short, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan history.Op, 1)
	go func() { done <- u.client.Do(short, op) }()
	select {
	case got := <-done:
		if got.Outcome == "" || got.Outcome != history.OK && got.Error == "" {
			return got, fmt.Errorf("%s has outcome %q and error %q: an operation needs an outcome, and a reason unless it is ok", op.Kind, got.Outcome, got.Error)
		}
		return got, nil
	case <-ctx.Done():
		return op, fmt.Errorf("%s %s: %w long after its time was over", op.Kind, op.Key, errTooSlow)
	}
}

// must carries out an operation until it is acknowledged. A write is repeated only if it had no effect.
func (u *session) must(ctx context.Context, op history.Op) (history.Op, error) {
	for {
		got, err := u.do(ctx, 5*time.Second, op)
		switch {
		case err != nil || got.Outcome == history.OK:
			return got, err
		case got.Outcome == history.Unknown:
			return got, fmt.Errorf("%s %s without any fault: unknown: %s", op.Kind, op.Key, got.Error)
		}
		select {
		case <-ctx.Done():
			return got, fmt.Errorf("%s %s without any fault: %s: %s", op.Kind, op.Key, got.Outcome, got.Error)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (u *session) has(k history.Kind) bool { return slices.Contains(u.Protocol.Kinds(), k) }

// holds reports whether the register has the value, within a time.
func (u *session) holds(ctx context.Context, key, value string, within time.Duration) (bool, error) {
	for end := time.Now().Add(within); ; {
		got, err := u.must(ctx, history.Op{Kind: history.Read, Key: key})
		if err != nil || got.Output == value || time.Now().After(end) {
			return got.Output == value, err
		}
		time.Sleep(10 * time.Millisecond)
	}
}
