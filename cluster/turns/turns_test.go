package turns

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a machine of which everything is known.
type fake struct {
	mu   sync.Mutex
	runs []cleanup.Running
	idle float64
}

func (f *fake) machine(t *testing.T, processors int) Machine {
	return Machine{
		Processors: processors, Lock: filepath.Join(t.TempDir(), "holdfast", "turn.lock"),
		Others: func() ([]cleanup.Running, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return append([]cleanup.Running(nil), f.runs...), nil
		},
		Idle: func(context.Context) (float64, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			return f.idle, nil
		},
	}
}

func running(age time.Duration) cleanup.Running {
	return cleanup.Running{Run: "kill-leader", PID: 4711, Since: time.Now().Add(-age)}
}

func TestAwait(t *testing.T) {
	old, young := running(time.Minute), running(time.Second)
	for _, c := range []struct {
		name       string
		processors int
		others     []cleanup.Running
		idle       float64
		limit      time.Duration
		want       string // among the notices; empty for none
	}{
		{name: "alone", processors: 2, limit: time.Minute},
		{name: "room for both", processors: 4, others: []cleanup.Running{young}, limit: time.Minute},
		{name: "beside a run that leaves the machine idle", processors: 2, others: []cleanup.Running{old}, idle: 1.8, limit: time.Minute},
		{name: "it does not wait", processors: 2, others: []cleanup.Running{old}},
		{name: "beside a run that keeps it busy", processors: 2, others: []cleanup.Running{old}, idle: 0.4, limit: time.Millisecond, want: "process 4711 carries out kill-leader since 1m0s, and 0.4 of 2 processors are idle, of which a run needs 1.5"},
		{name: "beside one whose load has not begun", processors: 2, others: []cleanup.Running{old, young}, idle: 2, limit: time.Millisecond, want: "since 1s (and 1 more), and 2 processors are too few for 3 runs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := fake{runs: c.others, idle: c.idle}
			var said []string
			release, err := f.machine(t, c.processors).Await(t.Context(), c.limit, func(s string) { said = append(said, s) })
			if err != nil {
				t.Fatal(err)
			}
			release()
			switch all := strings.Join(said, "\n"); {
			case c.want == "" && all != "":
				t.Errorf("it said %q", all)
			case !strings.Contains(all, c.want):
				t.Errorf("it said %q, want %q", all, c.want)
			case c.want != "" && !strings.Contains(all, "it begins without its turn"):
				t.Errorf("it said %q, and not that it begins all the same", all)
			}
		})
	}
}

// A run begins once the one before it has ended, and says both.
func TestItsTurnComes(t *testing.T) {
	f := &fake{runs: []cleanup.Running{running(time.Minute)}}
	m := f.machine(t, 2)
	var said []string
	release, err := m.Await(t.Context(), time.Hour, func(s string) {
		if said = append(said, s); len(said) == 1 {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.runs = nil
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if len(said) != 2 || !strings.HasPrefix(said[0], "waiting for its turn on this machine: process 4711") || !strings.HasPrefix(said[1], "it is its turn, after") {
		t.Errorf("it said %q", said)
	}
}

// Ctrl-C ends the wait, and leaves the turn to the next.
func TestAWaitThatIsInterrupted(t *testing.T) {
	f := &fake{runs: []cleanup.Running{running(time.Minute)}}
	m := f.machine(t, 2)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := m.Await(ctx, time.Hour, func(string) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted, it returns %v", err)
	}
	f.mu.Lock()
	f.runs = nil
	f.mu.Unlock()
	release, err := m.Await(t.Context(), time.Hour, func(s string) { t.Error(s) })
	if err != nil {
		t.Fatal(err)
	}
	release()
}

// Whoever is being started keeps the next one waiting until it is counted.
func TestRunsBeginOneAfterTheOther(t *testing.T) {
	f := &fake{}
	m := f.machine(t, 2)
	first, err := m.Await(t.Context(), time.Hour, func(s string) { t.Error(s) })
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	second, err := m.Await(t.Context(), time.Hour, func(s string) {
		said = append(said, s)
		first()
	})
	if err != nil {
		t.Fatal(err)
	}
	second()
	if len(said) == 0 || !strings.Contains(said[0], "another run waits before this one, or is being started") {
		t.Errorf("the second said %q", said)
	}
}

// What is measured of the present machine is no more than it has.
func TestThisMachine(t *testing.T) {
	m := This()
	free, err := m.Idle(t.Context())
	if err != nil {
		t.Skip(err)
	}
	if free < 0 || free > 4096 || m.Processors < 1 {
		t.Errorf("%v of %d processors are idle", free, m.Processors)
	}
	if _, err := m.Others(); err != nil {
		t.Error(err)
	}
}
