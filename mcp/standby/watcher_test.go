package standby

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// seen is what a prober reports from some time on.
type seen struct {
	from            time.Duration
	suspects, known []string
}

var (
	nobody = []string{}
	east   = []string{"east-1", "east-2"}
	all    = []string{"east-1", "east-2", "south-1"}
)

// watch makes the Watcher of north-1, whose prober reports what was seen last. No other
// node can be asked.
func watch(began time.Time, successor string, script ...seen) *Watcher {
	return &Watcher{
		Self: "north-1", Voters: east, Successor: successor, Others: all,
		Suspicions: func() (suspects, known []string) {
			for _, s := range script {
				if time.Since(began) >= s.from {
					suspects, known = s.suspects, s.known
				}
			}
			return suspects, known
		},
		To:            func(string) (*grpc.ClientConn, error) { return nil, errors.New("not to be reached") },
		Ready:         func(context.Context) error { return nil },
		AnswerTimeout: 400 * time.Millisecond, ExtendLease: func(time.Time) {},
	}
}

func TestWhenTheSuccessorTakesOver(t *testing.T) {
	const never, slack = time.Duration(0), 200 * time.Millisecond
	loss := []seen{{0, nobody, all}, {time.Second, east, all}}
	for _, c := range []struct {
		name      string
		successor string
		script    []seen
		ready     time.Duration // from when on it has the data to take over with
		want      time.Duration // when it takes over, or a little later
	}{
		{"it waits the margin", "north-1", loss, 0, time.Second + Margin},
		{"also when the witness is gone", "north-1", []seen{{0, nobody, all}, {time.Second, all, all}}, 0, time.Second + Margin},
		{"not before every voter is suspected", "north-1", []seen{{0, nobody, all}, {time.Second, east[:1], all}}, 0, never},
		{"when the last voter is", "north-1", []seen{{0, nobody, all}, {time.Second, east[:1], all}, {9 * time.Second, east, all}}, 0, 9*time.Second + Margin},
		{"a voter that answers again restarts the margin", "north-1", []seen{{0, nobody, all}, {time.Second, east, all}, {1800 * time.Millisecond, east[:1], all}, {3 * time.Second, east, all}}, 0, 3*time.Second + Margin},
		{"a longer margin for voters it never saw alive", "north-1", []seen{{0, east, all}}, 0, StartupMargin},
		{"a longer margin for one it never saw alive", "north-1", []seen{{0, east[:1], all}, {time.Second, east, all}}, 0, time.Second + StartupMargin},
		{"a voter that is not suspected yet was not seen alive", "north-1", []seen{{0, nobody, nobody}, {time.Second, east, all}}, 0, time.Second + StartupMargin},
		{"not while it has no data to take over with", "north-1", loss, 7 * time.Second, 7 * time.Second},
		{"no node but the successor", "south-1", loss, 0, never},
		{"all is well", "north-1", []seen{{0, nobody, all}}, 0, never},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				w := watch(began, c.successor, c.script...)
				w.Present = Epoch{Number: 4, Successor: "east-1", Converted: true}
				w.Ready = func(context.Context) error {
					if time.Since(began) < c.ready {
						return errors.New("no snapshot")
					}
					return nil
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				g, ended := w.Next(ctx)
				if c.want == never {
					if ended {
						t.Errorf("after %v it starts %+v, want none", time.Since(began), g)
					}
					return
				}
				if want := (Epoch{Number: 5, Successor: "north-1"}); !ended || g != want {
					t.Errorf("it starts %+v, %v, want %+v", g, ended, want)
				}
				if after := time.Since(began); after < c.want || after > c.want+slack {
					t.Errorf("it starts after %v, want %v", after, c.want)
				}
			})
		})
	}
}

// answering makes nodes that answer with their epoch from some time on.
func answering(t *testing.T, from time.Duration, of map[string]Epoch) func(string) (*grpc.ClientConn, error) {
	t.Helper()
	began := time.Now()
	conns := map[string]*grpc.ClientConn{}
	for name, g := range of {
		ln := bufconn.Listen(1 << 16)
		s := grpc.NewServer()
		api.RegisterStandbyServer(s, &Server{Present: g})
		go s.Serve(ln) //nolint:errcheck // it ends with Stop
		conn, err := grpc.NewClient("passthrough:///"+name, grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return ln.DialContext(ctx) }))
		if err != nil {
			t.Fatal(err)
		}
		conns[name] = conn
		t.Cleanup(func() { conn.Close(); s.Stop() })
	}
	return func(name string) (*grpc.ClientConn, error) {
		if conns[name] == nil || time.Since(began) < from {
			return nil, errors.New("not to be reached")
		}
		return conns[name], nil
	}
}

func TestALaterEpochOfAnotherNodeWins(t *testing.T) {
	for _, c := range []struct {
		name    string
		self    string
		answers map[string]Epoch
		want    Epoch // the zero is none
	}{
		{"the successor sees another node's", "north-1", map[string]Epoch{"south-1": {2, "south-1", true}}, Epoch{Number: 2, Successor: "south-1"}},
		{"a voter that comes back sees the successor's", "east-1", map[string]Epoch{"north-1": {2, "north-1", true}, "east-2": {1, "", true}}, Epoch{Number: 2, Successor: "north-1"}},
		{"the latest of several", "south-1", map[string]Epoch{"east-2": {2, "east-2", true}, "north-1": {3, "north-1", true}}, Epoch{Number: 3, Successor: "north-1"}},
		{"its own epoch is not a later one", "north-1", map[string]Epoch{"south-1": {1, "east-1", true}}, Epoch{}},
		{"nor is an earlier epoch", "north-1", map[string]Epoch{"south-1": {0, "", false}}, Epoch{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				const answersFrom = 3 * time.Second
				w := watch(began, "north-1", seen{0, nobody, all})
				w.Self, w.Present, w.Others = c.self, Epoch{Number: 1}, []string{"east-1", "east-2", "north-1", "south-1"}
				w.To = answering(t, answersFrom, c.answers)
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				g, ended := w.Next(ctx)
				if g != c.want || ended != (c.want != Epoch{}) {
					t.Errorf("next is %+v, %v, want %+v", g, ended, c.want)
				}
				if after := time.Since(began); ended && (after < answersFrom || after > answersFrom+askInterval+askTimeout) {
					t.Errorf("known after %v, answered from %v on", after, answersFrom)
				}
			})
		})
	}
}

// Nobody is ever suspected here, because a suspicion takes a witness, whom a voter that is
// cut off cannot ask.
func TestAVoterHoldsItsLeaseWhileNonVotersAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		present := Epoch{Number: 1}
		w := watch(began, "north-1", seen{0, nobody, []string{"east-2", "north-1", "south-1"}})
		w.Self, w.Present, w.Others = "east-1", present, []string{"east-2", "north-1", "south-1"}
		to := answering(t, 0, map[string]Epoch{"east-2": present, "north-1": present, "south-1": present})
		w.To = func(name string) (*grpc.ClientConn, error) {
			reach := map[string]bool{"east-2": true} // a voter too, whose answer proves nothing
			switch at := time.Since(began); {
			case at < 2*time.Second:
			case at < 4*time.Second:
				reach["north-1"], reach["south-1"] = true, true
			case at < 10*time.Second:
				reach["south-1"] = true
			case at < 12*time.Second: // cut off
			case at < 20*time.Second:
				reach["south-1"] = true // which may not know of a takeover yet
			case at < 22*time.Second: // cut off
			default:
				reach["north-1"] = true
			}
			if !reach[name] {
				return nil, errors.New("not to be reached")
			}
			return to(name)
		}
		var until atomic.Pointer[time.Time]
		until.Store(&time.Time{})
		w.ExtendLease = func(t time.Time) { until.Store(&t) }
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Second)
		defer cancel()
		var changed []time.Duration // when it gets the lease and when it loses it, in turn
		done := make(chan struct{})
		go func() {
			defer close(done)
			stands := false
			for ; ctx.Err() == nil; time.Sleep(10 * time.Millisecond) {
				if now := time.Now().Before(*until.Load()); now != stands {
					stands, changed = now, append(changed, time.Since(began))
				}
			}
		}()
		if g, ended := w.Next(ctx); ended {
			t.Errorf("a voter starts %+v", g)
		}
		<-done
		want := []time.Duration{2 * time.Second, 11 * time.Second, 12*time.Second + takeoverTime, 21 * time.Second, 22 * time.Second}
		near := func(got, want time.Duration) bool {
			return got >= want-askInterval && got <= want+askInterval+pollInterval
		}
		if !slices.EqualFunc(changed, want, near) {
			t.Errorf("it gets and loses the lease in turn at %v, want %v", changed, want)
		}
	})
}

// A voter that answers may get answers, too: nobody takes over, however much it is suspected.
func TestNoTakeoverWhileAVoterAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := watch(time.Now(), "north-1", seen{0, nobody, all}, seen{time.Second, east, all})
		w.To = answering(t, 0, map[string]Epoch{"east-2": {}})
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if g, ended := w.Next(ctx); ended {
			t.Errorf("it starts %+v", g)
		}
	})
}
