package protocoltest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
)

// Cases are the tests of a protocol that has at least read and write.
var Cases = []Case{
	{"every kind of operation that it lists works", testKinds},
	{"an unknown kind of operation is Failed", testUnknownKind},
	{"a time that is over before anything was sent is Failed", testOver},
	{"a refused connection is Failed, and no server said so", testRefused},
	{"a write that was held and times out is not Failed if it takes effect", testHeld},
	{"a lost answer is Unknown, and the write is not repeated", testMuted},
	{"a reader reads one node and writes nothing", testReader},
	{"operations at the same time do not mix", testConcurrent},
	{"a client leaves a node that it cannot reach", testFailover},
	{"a query is answered", testQuery},
	{"a closed client fails", testClosed},
}

func testUnknownKind(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "unknown", func(ctx context.Context, u *session) error {
		got, err := u.do(ctx, time.Second, history.Op{Kind: "no-such-kind", Key: "k"})
		if err == nil && got.Outcome != history.Failed {
			err = fmt.Errorf("it is %s (%s)", got.Outcome, got.Error)
		}
		return err
	})
}

func testOver(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "over", func(ctx context.Context, u *session) error {
		got, err := u.do(ctx, -1, history.Op{Kind: history.Write, Key: u.name, Value: "1"})
		if err == nil && got.Outcome != history.Failed {
			err = fmt.Errorf("it is %s (%s)", got.Outcome, got.Error)
		}
		return err
	})
}

func testRefused(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "refused", func(ctx context.Context, u *session) error {
		u.network.set(refused, "")
		// The connection that was open may be found broken by the first operation.
		_, err := u.do(ctx, time.Second, history.Op{Kind: history.Read, Key: u.name})
		if err != nil {
			return err
		}
		got, err := u.do(ctx, time.Second, history.Op{Kind: history.Write, Key: u.name, Value: "1"})
		switch {
		case err != nil:
		case got.Outcome == history.OK, got.Rejected:
			err = fmt.Errorf("it is %s, rejected %v (%s)", got.Outcome, got.Rejected, got.Error)
		}
		u.network.set(pass, "")
		if err == nil && got.Outcome == history.Failed {
			err = u.neverHolds(ctx, "1", got)
		}
		return err
	})
}

// testHeld: the request is on its way when the client gives up, and arrives later.
func testHeld(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "held", func(ctx context.Context, u *session) error {
		u.network.set(held, "")
		got, err := u.do(ctx, 300*time.Millisecond, history.Op{Kind: history.Write, Key: u.name, Value: "1"})
		u.network.set(pass, "")
		switch {
		case err != nil:
			return err
		case got.Outcome == history.OK:
			return errors.New("it is ok although no server was reached")
		case got.Outcome == history.Unknown:
			return nil
		}
		return u.neverHolds(ctx, "1", got)
	})
}

// neverHolds waits a while for a value that was not to be written.
func (u *session) neverHolds(ctx context.Context, value string, reported history.Op) error {
	took, err := u.holds(ctx, u.name, value, time.Second)
	if err == nil && took {
		err = fmt.Errorf("a write was reported as failed (%s) and took effect", reported.Error)
	}
	return err
}

// testMuted: the server carries the request out and the answer is lost.
func testMuted(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "muted", func(ctx context.Context, u *session) error {
		u.network.set(muted, "")
		got, err := u.do(ctx, 2*time.Second, history.Op{Kind: history.Write, Key: u.name, Value: "1"})
		if err != nil {
			return err
		}
		if got.Outcome == history.OK {
			return errors.New("the write is ok although its answer was lost: the client must have repeated it, or not waited for the answer")
		}
		read, err := u.do(ctx, 2*time.Second, history.Op{Kind: history.Read, Key: u.name})
		if err == nil && read.Outcome != history.Failed {
			err = fmt.Errorf("a read without an answer is %s", read.Outcome)
		}
		u.network.set(pass, "")
		if err == nil && got.Outcome == history.Failed {
			err = u.neverHolds(ctx, "1", got)
		}
		return err
	})
}

func testReader(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "reader", func(ctx context.Context, u *session) error {
		if _, err := u.must(ctx, history.Op{Kind: history.Write, Key: u.name, Value: "7"}); err != nil {
			return err
		}
		for _, e := range u.Endpoints {
			r, err := u.Protocol.Reader(ctx, u.system(), e)
			if err != nil {
				return fmt.Errorf("make a reader of %s: %w", e.Node, err)
			}
			through := &session{u.Subject, u.network, r, u.name}
			ok, err := through.holds(ctx, u.name, "7", 5*time.Second)
			if err == nil && !ok {
				err = fmt.Errorf("through %s the value does not appear", e.Node)
			}
			if err == nil {
				var got history.Op
				if got, err = through.do(ctx, time.Second, history.Op{Kind: history.Write, Key: u.name, Value: "8"}); err == nil && got.Outcome != history.Failed {
					err = fmt.Errorf("a write through a reader of %s is %s", e.Node, got.Outcome)
				}
				if err == nil && got.Node != "" && got.Node != e.Node {
					err = fmt.Errorf("%s answered a reader of %s", got.Node, e.Node)
				}
			}
			if err := errors.Join(err, r.Close()); err != nil {
				return err
			}
		}
		return u.neverHolds(ctx, "8", history.Op{Error: "by a reader"})
	})
}

func testConcurrent(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "concurrent", func(ctx context.Context, u *session) error {
		const users, rounds = 8, 10
		errs := make([]error, users)
		var all sync.WaitGroup
		for i := range users {
			all.Go(func() {
				key := fmt.Sprintf("%s-%d", u.name, i)
				for n := range rounds {
					want := fmt.Sprint(i*rounds + n + 1)
					if _, errs[i] = u.must(ctx, history.Op{Kind: history.Write, Key: key, Value: want}); errs[i] != nil {
						return
					}
					got, err := u.must(ctx, history.Op{Kind: history.Read, Key: key})
					if err == nil && got.Output != want {
						err = fmt.Errorf("%s reads %q after %q was written", key, got.Output, want)
					}
					if errs[i] = err; err != nil {
						return
					}
				}
			})
		}
		all.Wait()
		return errors.Join(errs...)
	})
}

func testFailover(ctx context.Context, s Subject) error {
	if len(s.Endpoints) < 2 {
		return nil
	}
	return withClient(ctx, s, "failover", func(ctx context.Context, u *session) error {
		for _, e := range u.Endpoints[:2] { // the first, so that it goes to the second, and back
			u.network.set(refused, e.Address)
			for served := false; !served; {
				got, err := u.do(ctx, time.Second, history.Op{Kind: history.Read, Key: u.name})
				if err != nil {
					return fmt.Errorf("while %s is out of reach: %w", e.Node, err)
				}
				served = got.Outcome == history.OK && got.Node != e.Node
				if ctx.Err() != nil {
					return fmt.Errorf("while %s is out of reach a read is %s by %q: %s", e.Node, got.Outcome, got.Node, got.Error)
				}
			}
			u.network.set(pass, "")
		}
		return nil
	})
}

func testQuery(ctx context.Context, s Subject) error {
	if s.Query == "" {
		return nil
	}
	n := newNetwork(s.Dial)
	defer n.closeAll()
	u := &session{s, n, nil, ""}
	got, err := s.Protocol.Query(ctx, u.system(), s.Endpoints[0], s.Query)
	if err == nil && (!strings.Contains(got, s.Answer) || got != strings.TrimSpace(got)) {
		err = fmt.Errorf("%s is answered by %q, want %q", s.Query, got, s.Answer)
	}
	n.set(refused, "")
	if got, refusal := s.Protocol.Query(ctx, u.system(), s.Endpoints[0], s.Query); err == nil && refusal == nil {
		err = fmt.Errorf("a node that refuses connections answers %q", got)
	}
	return err
}

func testClosed(ctx context.Context, s Subject) error {
	var closed *session
	err := withClient(ctx, s, "closed", func(_ context.Context, u *session) error {
		closed = u
		return nil
	})
	if err != nil {
		return err
	}
	got, err := closed.do(ctx, time.Second, history.Op{Kind: history.Write, Key: closed.name, Value: "1"})
	if err == nil && got.Outcome != history.Failed {
		err = fmt.Errorf("a write after Close is %s (%s)", got.Outcome, got.Error)
	}
	return err
}

// testKinds does each kind of operation that the protocol lists.
func testKinds(ctx context.Context, s Subject) error {
	return withClient(ctx, s, "kinds", func(ctx context.Context, u *session) error {
		for _, e := range examples {
			if !u.has(e.has) {
				continue
			}
			for i, st := range e.steps {
				op := st.op
				op.Key = u.name + op.Key
				got, err := u.must(ctx, op)
				if err != nil {
					return err
				}
				if op.Kind != history.ListRead && op.Kind != history.Messages {
					slices.Sort(got.Set)
				}
				type seen struct {
					Output  string
					Applied bool
					Set     string
				}
				want, saw := seen{st.output, st.applied, strings.Join(st.set, " ")}, seen{got.Output, got.Applied, strings.Join(got.Set, " ")}
				if op.Kind.Class() == history.Writes {
					want.Set, saw.Set = "", ""
				}
				if diff := cmp.Diff(want, saw); diff != "" {
					return fmt.Errorf("step %d of %s, %s (-want +got):\n%s", i, e.has, op.Kind, diff)
				}
			}
		}
		return nil
	})
}
