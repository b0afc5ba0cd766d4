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

func TestPulse(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	for _, tc := range []struct {
		name       string
		beats      []int
		since, now int
		want       bool
	}{
		{"regular beats", []int{0, 50, 100, 150}, 0, 160, true},
		{"a little late", []int{0, 50, 290}, 0, 300, true},
		{"a beat was missing", []int{0, 50, 400, 450}, 0, 460, false},
		{"one was, before the probe", []int{0, 50, 400, 450, 500}, 420, 510, true},
		{"one is overdue now", []int{0, 50}, 60, 400, false},
		{"no beat yet", nil, 0, 1000, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := &pulse{}
			for _, b := range tc.beats {
				p.beat(at(b))
			}
			if got := p.steady(at(tc.since), at(tc.now)); got != tc.want {
				t.Errorf("steady %v, want %v", got, tc.want)
			}
		})
	}
}

// Who stood still blames nobody for silence, but believes a refusal.
func TestWhoStoodStillExcusesSilenceOnly(t *testing.T) {
	since := time.Now()
	starved := &pulse{last: since.Add(-time.Second)}
	for _, tc := range []struct {
		name string
		p    *pulse
		err  error
		want bool
	}{
		{"silence", starved, status.Error(codes.DeadlineExceeded, "late"), true},
		{"silence, and the pulse was regular", &pulse{}, status.Error(codes.DeadlineExceeded, "late"), false},
		{"a refused connection", starved, status.Error(codes.Unavailable, "refused"), false},
		{"a peer that says it does not serve", starved, errors.New("NOT_SERVING"), false},
		{"an answer", starved, nil, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := tc.p.excused(tc.err, since); got != tc.want {
				t.Errorf("excused %v, want %v", got, tc.want)
			}
		})
	}
}

func TestWhoHasOnlyJustBegunIsNoWitness(t *testing.T) {
	p := &Prober{Timing: swift, To: func(string) (*grpc.ClientConn, error) { return nil, errors.New("no route") }, began: time.Now()}
	w := &Witness{Prober: p}
	if r, err := w.Probe(t.Context(), &api.ProbeRequest{Peer: "east-1"}); status.Code(err) != codes.Unavailable {
		t.Errorf("a witness that has just begun said %v, %v; want Unavailable", r, err)
	}
	p.began = time.Now().Add(-time.Minute)
	if r, err := w.Probe(t.Context(), &api.ProbeRequest{Peer: "east-1"}); err != nil || r.Answered {
		t.Errorf("a witness of some standing said %v, %v; want that it got no answer", r, err)
	}
}
