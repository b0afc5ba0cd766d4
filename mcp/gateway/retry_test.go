package gateway

import (
	"context"
	"errors"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// scriptedLeader is a leader that returns the answers in order, the last one for ever.
type scriptedLeader struct {
	answers []error
	asked   int
}

func (s *scriptedLeader) next() error {
	err := s.answers[min(s.asked, len(s.answers)-1)]
	s.asked++
	return err
}

func (*scriptedLeader) Leader() (string, <-chan struct{}) { return "self", nil }

func (s *scriptedLeader) Propose(context.Context, *api.Command) (*api.Applied, error) {
	return &api.Applied{Index: 7}, s.next()
}

func (s *scriptedLeader) ReadIndex(context.Context) (uint64, uint64, error) { return 7, 1, s.next() }

var (
	lost    = status.Error(codes.Aborted, "leadership lost while committing, outcome unknown")
	refused = api.Refuse(codes.Unavailable, "self", "", "not the leader")
)

func TestRetries(t *testing.T) {
	withID, without := &api.Command{Id: "a"}, &api.Command{}
	for _, tc := range []struct {
		name    string
		answers []error
		command *api.Command // nil for a read
		spent   float64
		asked   int // 0: any number above 1
		retries uint32
		want    string // "done", "refused" or "unknown"
	}{
		{"an answer at once", []error{nil}, withID, 0, 1, 0, "done"},
		{"a mutation with an id", []error{lost, lost, nil}, withID, 0, 3, 2, "done"},
		{"a read", []error{lost, nil}, nil, 0, 2, 1, "done"},
		{"a mutation without an id", []error{lost, nil}, without, 0, 1, 0, "unknown"},
		{"no budget", []error{lost, nil}, withID, retryBurst, 1, 0, "unknown"},
		{"budget for one", []error{lost, lost, nil}, withID, retryBurst - 1, 2, 1, "unknown"},
		{"a refusal costs no budget", []error{refused, refused, nil}, withID, retryBurst, 3, 0, "done"},
		{"refused for good", []error{refused}, withID, 0, 0, 0, "refused"},
		{"a refusal after an attempt without an answer proves nothing", []error{lost, refused}, withID, 0, 0, 1, "unknown"},
		{"a refusal of a read does", []error{lost, refused}, nil, 0, 0, 1, "refused"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &scriptedLeader{answers: tc.answers}
			g := &Gateway{Name: "self", Consensus: s, retryBudget: retryBudget{used: tc.spent}}
			ctx, cancel := context.WithTimeout(t.Context(), routeTimeout+200*time.Millisecond)
			defer cancel()
			var retries uint32
			var err error
			if tc.command == nil {
				_, retries, err = g.readIndex(ctx)
			} else {
				_, retries, err = g.submit(ctx, tc.command)
			}
			got := "unknown"
			if err == nil {
				got = "done"
			} else if api.Refused(err) {
				got = "refused"
			}
			if got != tc.want || retries != tc.retries {
				t.Errorf("%s after %d retries (%v), want %s after %d", got, retries, err, tc.want, tc.retries)
			}
			if s.asked != tc.asked && (tc.asked != 0 || s.asked < 2) {
				t.Errorf("asked %d times, want %d", s.asked, tc.asked)
			}
		})
	}
}

// Nothing is retried for a client that no longer waits.
func TestNoRetryPastTheCallersDeadline(t *testing.T) {
	s := &scriptedLeader{answers: []error{lost}}
	g := &Gateway{Name: "self", Consensus: s}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, _, err := g.submit(ctx, &api.Command{Id: "a"})
	if took := time.Since(began); !errors.Is(err, lost) || took > time.Second {
		t.Errorf("%v after %v, want the first attempt's error at the deadline", err, took)
	}
	before := s.asked
	if _, _, err := g.submit(ctx, &api.Command{Id: "b"}); err == nil || s.asked != before+1 {
		t.Errorf("after the deadline: %v, asked %d times more", err, s.asked-before)
	}
}

// The budget never exceeds its burst.
func TestTheRetryBudgetIsAShareOfTheCalls(t *testing.T) {
	b := &retryBudget{}
	for range 10 * retryBurst {
		b.deposit()
	}
	spend := func() (n int) {
		for b.tryWithdraw() {
			n++
		}
		return n
	}
	if n := spend(); n != retryBurst {
		t.Errorf("a fresh budget gives %d retries, want %d", n, retryBurst)
	}
	for range 55 {
		b.deposit()
	}
	if n := spend(); n != 5 {
		t.Errorf("after 55 calls it gives %d, want 5", n)
	}
}
