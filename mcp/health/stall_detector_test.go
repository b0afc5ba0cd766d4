package health

import (
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

func TestStallDetector(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name       string
		ticks      []int
		since, now int
		want       bool
	}{
		{"regular ticks", []int{0, 50, 100, 150}, 0, 160, true},
		{"a little late", []int{0, 50, 290}, 0, 300, true},
		{"a tick was missing", []int{0, 50, 400, 450}, 0, 460, false},
		{"one was, before the probe", []int{0, 50, 400, 450, 500}, 420, 510, true},
		{"one is overdue now", []int{0, 50}, 60, 400, false},
		{"no tick yet", nil, 0, 1000, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &stallDetector{}
			for _, b := range tc.ticks {
				p.tick(at(b))
			}
			if got := p.ranSince(at(tc.since), at(tc.now)); got != tc.want {
				t.Errorf("steady %v, want %v", got, tc.want)
			}
		})
	}
}

// A node that stalled takes silence for no evidence, but a refusal for evidence.
func TestAStallExcusesSilenceOnly(t *testing.T) {
	since := time.Now()
	starved := &stallDetector{last: since.Add(-time.Second)}
	for _, tc := range []struct {
		name string
		p    *stallDetector
		err  error
		want bool
	}{
		{"silence", starved, status.Error(codes.DeadlineExceeded, "late"), true},
		{"silence, and the ticks were regular", &stallDetector{}, status.Error(codes.DeadlineExceeded, "late"), false},
		{"a refused connection", starved, status.Error(codes.Unavailable, "refused"), false},
		{"a peer that says it does not serve", starved, errors.New("NOT_SERVING"), false},
		{"an answer", starved, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.p.excuses(tc.err, since); got != tc.want {
				t.Errorf("excused %v, want %v", got, tc.want)
			}
		})
	}
}

func TestANodeThatHasJustStartedIsNoWitness(t *testing.T) {
	p := &Prober{Timing: swift, To: func(string) (*grpc.ClientConn, error) { return nil, errors.New("no route") }, started: time.Now()}
	w := &Witness{Prober: p}
	if r, err := w.Probe(t.Context(), &api.ProbeRequest{Peer: "east-1"}); status.Code(err) != codes.Unavailable {
		t.Errorf("a witness that has just begun said %v, %v; want Unavailable", r, err)
	}
	p.started = time.Now().Add(-time.Minute)
	if r, err := w.Probe(t.Context(), &api.ProbeRequest{Peer: "east-1"}); err != nil || r.Answered {
		t.Errorf("a witness of some standing said %v, %v; want that it got no answer", r, err)
	}
}
