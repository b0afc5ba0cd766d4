package workload

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// answer is a client that does what it is told to.
type answer func(ctx context.Context, op history.Op) history.Op

func (a answer) Do(ctx context.Context, op history.Op) history.Op { return a(ctx, op) }
func (answer) Close() error                                       { return nil }

func ok(_ context.Context, op history.Op) history.Op {
	op.Outcome = history.OK
	return op
}

// drive runs a generator for a while and returns what it recorded.
func drive(t *testing.T, d time.Duration, load Load, do answer) []history.Op {
	t.Helper()
	var (
		mu    sync.Mutex
		due   int
		ops   []history.Op
		start = time.Now()
	)
	g := Generator{
		Load: load.Resolve(), Seed: 1,
		Clients: map[topology.Region][]Client{"east": {do, do}},
		Now:     func() time.Duration { return time.Since(start) },
		OnDue:   func(history.Op) { mu.Lock(); due++; mu.Unlock() },
		OnDone:  func(op history.Op) { mu.Lock(); ops = append(ops, op); mu.Unlock() },
	}
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	g.Run(ctx)
	if due != len(ops) {
		t.Errorf("%d operations were due, %d have an outcome", due, len(ops))
	}
	return ops
}

// TestOpenLoop: replies that never come do not slow the schedule, and what
// finds no slot is on record as bad.
func TestOpenLoop(t *testing.T) {
	ops := drive(t, 300*time.Millisecond, Load{Reads: 200, Writes: 200, MaxInFlight: 5, Timeout: time.Second},
		func(ctx context.Context, op history.Op) history.Op { <-ctx.Done(); return op })
	counts := map[history.Outcome]int{}
	for _, op := range ops {
		counts[op.Outcome]++
		if op.Outcome == history.Failed && op.Error != history.Dropped {
			t.Errorf("operation %d failed with %q", op.ID, op.Error)
		}
	}
	if got, want := counts[history.Unknown], 10; got != want {
		t.Errorf("%d operations were sent into 2×5 slots, want %d", got, want)
	}
	if counts[history.Failed] < 60 {
		t.Errorf("%d operations were recorded as not sent; the schedule stalled", counts[history.Failed])
	}
}

// TestSchedule: intended times are exact multiples of the interval.
func TestSchedule(t *testing.T) {
	ops := drive(t, 200*time.Millisecond, Load{Reads: 100, Writes: 100}, ok)
	byClass := map[history.Class][]time.Duration{}
	for _, op := range ops {
		byClass[op.Kind.Class()] = append(byClass[op.Kind.Class()], op.Intended)
	}
	for class, at := range byClass {
		slices.Sort(at)
		for i := 1; i < len(at); i++ {
			if got := at[i] - at[i-1]; got != 10*time.Millisecond {
				t.Errorf("%s: gap %d is %v, want 10ms", class, i, got)
			}
		}
	}
}

// TestChoices: the same seed makes the same operations, another seed others,
// and values never repeat.
func TestChoices(t *testing.T) {
	choose := func(seed uint64) []history.Op {
		s := newOpGenerator(seed, "east", history.Writes, 1, Load{}.Resolve().Mix, newKeyspace(Load{}.Resolve(), 0))
		var ops []history.Op
		for i := range int64(200) {
			ops = append(ops, s.next(i))
		}
		return ops
	}
	if diff := cmp.Diff(choose(7), choose(7)); diff != "" {
		t.Errorf("same seed, other operations (-first +second):\n%s", diff)
	}
	if cmp.Equal(choose(7), choose(8)) {
		t.Error("seeds 7 and 8 chose the same operations")
	}
	kinds, values := map[history.Kind]int{}, map[string]bool{}
	for _, op := range choose(7) {
		kinds[op.Kind]++
		values[op.Value] = true
	}
	if len(values) != 200 || kinds[history.Write] == 0 || kinds[history.CAS] == 0 || kinds[history.Add] == 0 {
		t.Errorf("200 writes: %d values, kinds %v", len(values), kinds)
	}
}

// TestTransfers: money moves between two different accounts that were opened,
// balances are read in proportion, and nothing else is chosen otherwise for it.
func TestTransfers(t *testing.T) {
	opened := SeedAccountsOp().Set
	mix := Mix{Write: 30, CAS: 20, Add: 10, Transfer: 40}
	for class, kind := range map[history.Class]history.Kind{history.Writes: history.Transfer, history.Reads: history.Balances} {
		s := newOpGenerator(7, "east", class, 1, mix, newKeyspace(Load{}.Resolve(), 0))
		kinds, beyond := map[history.Kind]int{}, 0
		for i := range int64(2000) {
			op := s.next(i)
			kinds[op.Kind]++
			if op.Kind != history.Transfer {
				continue
			}
			if op.From == op.To || !slices.Contains(opened, op.From) || !slices.Contains(opened, op.To) || op.Amount <= 0 || op.Key != SeedAccountsOp().Key {
				t.Fatalf("chose %+v", op)
			}
			if op.Amount > int64(len(opened))*SeedAccountsOp().Amount {
				beyond++
			}
		}
		if n := kinds[kind]; n < 700 || n > 900 {
			t.Errorf("%d of 2000 are %s, want about 800; kinds %v", n, kind, kinds)
		}
		if class == history.Writes && (beyond == 0 || beyond > 60 || len(kinds) != 4) {
			t.Errorf("%d transfers ask for more than there is; kinds %v", beyond, kinds)
		}
	}
}

// TestRotation: no key gets more operations than allowed.
func TestRotation(t *testing.T) {
	s := newOpGenerator(1, "east", history.Writes, 1, Mix{Write: 50, Add: 50}, newKeyspace(Load{Keys: 2, OpsPerKey: 10}, 0))
	uses := map[string]int{}
	for i := range int64(500) {
		uses[s.next(i).Key]++
	}
	for key, n := range uses {
		if n > 10 {
			t.Errorf("key %s was used %d times, limit 10", key, n)
		}
	}
	if len(uses) < 50 {
		t.Errorf("500 operations used %d keys", len(uses))
	}
}

// TestClass: keys carry the name of their class, and what was learnt of them is still found.
func TestClass(t *testing.T) {
	load := Load{Class: "config", Mix: Mix{Write: 50, CAS: 50}}.Resolve()
	k := newKeyspace(load, 0)
	writes, reads := newOpGenerator(1, "east", history.Writes, 1, load.Mix, k), newOpGenerator(1, "east", history.Reads, 1, load.Mix, k)
	expected := false
	for i := range int64(300) {
		for _, op := range []history.Op{writes.next(i), reads.next(i)} {
			if !strings.HasPrefix(op.Key, "config/k") || op.Kind == history.SetRead {
				t.Fatalf("%s of %s in a load without sets", op.Kind, op.Key)
			}
			expected = expected || op.Expect != ""
			if op.Outcome = history.OK; op.Kind == history.Write {
				k.observe(op)
			}
		}
	}
	if !expected {
		t.Error("no compare-and-set expects what was written")
	}
}

// TestCASExpectsWhatWasSeen: a compare-and-set expects the value last acknowledged.
func TestCASExpectsWhatWasSeen(t *testing.T) {
	k := newKeyspace(Load{Keys: 1, OpsPerKey: 100}, 0)
	s := newOpGenerator(1, "east", history.Writes, 1, Mix{CAS: 100}, k)
	first := s.next(1)
	k.observe(history.Op{Kind: history.Write, Key: first.Key, Value: "41", Outcome: history.OK})
	k.observe(history.Op{Kind: history.Write, Key: first.Key, Value: "42", Outcome: history.Unknown})
	if got := s.next(2).Expect; got != "41" {
		t.Errorf("expects %q, want the acknowledged 41", got)
	}
}

// BenchmarkJitter reports how late the generator sends at 2,000 operations a second.
func BenchmarkJitter(b *testing.B) {
	for b.Loop() {
		var (
			mu    sync.Mutex
			late  []time.Duration
			start = time.Now()
		)
		g := Generator{
			Load:    Load{Reads: 1000, Writes: 1000}.Resolve(),
			Clients: map[topology.Region][]Client{"east": {answer(ok)}},
			Now:     func() time.Duration { return time.Since(start) },
			OnDue:   func(history.Op) {},
			OnDone:  func(op history.Op) { mu.Lock(); late = append(late, op.Call-op.Intended); mu.Unlock() },
		}
		ctx, cancel := context.WithTimeout(b.Context(), 2*time.Second)
		g.Run(ctx)
		cancel()
		slices.Sort(late)
		b.ReportMetric(float64(late[len(late)*99/100].Microseconds()), "p99-late-µs")
		b.ReportMetric(float64(len(late))/2, "ops/s")
	}
}

// TestSetsOnly: where nothing is written to registers none is read.
func TestSetsOnly(t *testing.T) {
	load := Load{Class: "orders", Mix: Mix{Add: 100}}.Resolve()
	for class, kind := range map[history.Class]history.Kind{history.Writes: history.Add, history.Reads: history.SetRead} {
		s := newOpGenerator(7, "east", class, 1, load.Mix, newKeyspace(load, 0))
		for i := range int64(200) {
			if op := s.next(i); op.Kind != kind || !strings.HasPrefix(op.Key, "orders/s") {
				t.Fatalf("chose %s of %s, want %s of a set of orders", op.Kind, op.Key, kind)
			}
		}
	}
}

// TestSaturate: each writer has one add under way and goes on at once, for as long as it is told.
func TestSaturate(t *testing.T) {
	var (
		mu      sync.Mutex
		ops     []history.Op
		under   int
		most    int
		start   = time.Now()
		values  = map[string]bool{}
		perKey  = map[string]int{}
		storing = answer(func(ctx context.Context, op history.Op) history.Op {
			mu.Lock()
			under++
			most = max(most, under)
			mu.Unlock()
			time.Sleep(time.Millisecond)
			mu.Lock()
			defer mu.Unlock()
			under--
			return ok(ctx, op)
		})
	)
	g := Generator{
		Load:    Load{Class: "logs", OpsPerKey: 10, ClosedLoop: ClosedLoop{For: 300 * time.Millisecond, Writers: 3}}.Resolve(),
		Clients: map[topology.Region][]Client{"east": {storing, storing}, "north": {storing}},
		Now:     func() time.Duration { return time.Since(start) },
		OnDone:  func(op history.Op) { mu.Lock(); ops = append(ops, op); mu.Unlock() },
	}
	g.RunClosedLoop(t.Context())
	if most != 6 {
		t.Errorf("at most %d adds were under way, want 6", most)
	}
	for _, op := range ops {
		values[op.Value] = true
		perKey[op.Key]++
		if op.Kind != history.Add || !strings.HasPrefix(op.Key, "logs/") || perKey[op.Key] > 10 {
			t.Fatalf("wrote %+v, number %d of its set", op, perKey[op.Key])
		}
	}
	if len(ops) < 60 || len(values) != len(ops) {
		t.Errorf("%d adds of %d different values; want many, and no value twice", len(ops), len(values))
	}
}

// TestPace: the schedule follows the pace, and is exact where the pace is 1.
func TestPace(t *testing.T) {
	start := time.Now()
	var mu sync.Mutex
	var due []time.Duration
	g := Generator{
		Load: Load{Writes: 100}.Resolve(), Seed: 1, Clients: map[topology.Region][]Client{"east": {answer(ok)}},
		Now: func() time.Duration { return time.Since(start) },
		Pace: func(_ topology.Region, _ history.Class, at time.Duration) float64 {
			if at < 200*time.Millisecond {
				return 1
			}
			return 4
		},
		OnDue: func(op history.Op) {
			if op.Class() == history.Writes {
				mu.Lock()
				due = append(due, op.Intended)
				mu.Unlock()
			}
		},
		OnDone: func(history.Op) {},
	}
	ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
	defer cancel()
	g.Run(ctx)
	for i := 1; i < len(due); i++ {
		want := 10 * time.Millisecond
		if due[i-1] >= 200*time.Millisecond {
			want /= 4
		}
		if got := due[i] - due[i-1]; got != want {
			t.Errorf("operation %d is due %v after the one before, at %v; want %v", i, got, due[i], want)
		}
	}
	if len(due) < 30 {
		t.Errorf("%d operations were due; the pace did not change", len(due))
	}
}
