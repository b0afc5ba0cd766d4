package check

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/check/index"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

// million is the record of a million operations on a thousand keys: registers and sets
// of at most a thousand operations each, ten clients at a time. In the 4 s after
// the fault nothing is answered, though half of it takes effect; beside that one write in 20,000 is not.
func million(revisions bool) *record.Run {
	const (
		n        = 1_000_000
		perKey   = 1000
		ring     = 24 // keys in use at one time, four of them sets
		interval = 100 * time.Microsecond
		end      = n * interval
		third    = end / 3
	)
	rng := rand.New(rand.NewPCG(1, 2))
	s := checktest.NewStore()
	generation, used := [ring]int{}, [ring]int{}
	ops := make([]history.Op, 0, n)
	for i := range n {
		due := time.Duration(i) * interval
		slot := rng.IntN(ring)
		if used[slot]++; used[slot] > perKey-10 {
			generation[slot]++
			used[slot] = 1
		}
		op := history.Op{
			ID: int64(i), Client: i % 10, Region: checktest.Three.RegionSpecs[i%3].Region, Key: fmt.Sprintf("k%d.%d", slot, generation[slot]),
			Intended: due, Call: due, Return: due + time.Duration(1+rng.IntN(10))*interval, Outcome: history.OK, Node: "north-1", Term: 2,
		}
		if revisions {
			op.Revision = uint64(i + 1)
		}
		switch roll := rng.IntN(100); {
		case slot < 4 && roll < 10:
			op.Kind = history.SetRead
		case slot < 4:
			op.Kind, op.Value = history.Add, fmt.Sprint("e", i)
		case roll < 50:
			op.Kind = history.Read
		case roll < 80:
			op.Kind, op.Value = history.Write, fmt.Sprint("v", i)
		default:
			op.Kind, op.Value, op.Expect = history.CAS, fmt.Sprint("v", i), "?"
		}
		if down := due >= third && due < third+4*time.Second; down && op.Kind.Class() == history.Reads {
			op.Outcome, op.Revision = history.Unknown, 0
		} else if down || op.Kind.Class() == history.Writes && rng.IntN(20_000) == 0 {
			op.Outcome, op.Revision = history.Unknown, 0
			if op.Expect == "?" {
				op.Expect = s.Registers[op.Key]
			}
			if rng.IntN(2) == 0 {
				effect := op
				s.Do(&effect)
			}
		} else {
			s.Do(&op)
		}
		ops = append(ops, op)
	}
	r := checktest.Lab{}.Run()
	r.Phases = []record.Phase{{Name: record.Baseline, From: 0, To: third}, {Name: record.Faulty, From: third, To: 2 * third}, {Name: record.Observing, From: 2 * third, To: end}}
	r.Faults[0].Inject = record.Times{Planned: third, Requested: third, Confirmed: third, Effective: third}
	r.Faults[0].Heal = record.Times{Planned: 2 * third, Requested: 2 * third, Confirmed: 2 * third, Effective: 2 * third}
	r.Objectives = record.Objectives{}.Resolve()
	r.Ops = append(ops, finalsOf(s, end+time.Second)...)
	return r
}

// finalsOf reads the store through every node.
func finalsOf(s *checktest.Store, at time.Duration) []history.Op {
	var out []history.Op
	for _, n := range checktest.Three.Nodes {
		read := func(kind history.Kind, key string) {
			at += time.Microsecond
			op := history.Op{Kind: kind, Key: key, Final: true, ReadThrough: n.ID, Region: n.Region, Intended: at, Call: at, Return: at, Outcome: history.OK}
			s.Do(&op)
			out = append(out, op)
		}
		for key := range s.Registers {
			read(history.Read, key)
		}
		for key := range s.Sets {
			read(history.SetRead, key)
		}
	}
	return out
}

// BenchmarkJudgeMillion is every check of a million operations, loaded from
// disk as recheck does: at most 15 s and 1.5 GB on two cores.
func BenchmarkJudgeMillion(b *testing.B) {
	for name, revisions := range map[string]bool{"search": false, "order": true} {
		b.Run(name, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "history")
			r := million(revisions)
			if err := history.Save(path, r.Ops); err != nil {
				b.Fatal(err)
			}
			r.Ops = nil
			debug.FreeOSMemory() // what making the history took is not what judging takes
			stop := peak()
			b.ResetTimer()
			for b.Loop() {
				r.Ops = nil // those of the iteration before are no part of this one
				began := time.Now()
				ops, _, err := history.Load(path)
				if err != nil {
					b.Fatal(err)
				}
				loaded := time.Since(began)
				r.Ops = ops
				j := Judge(context.Background(), r, Options{})
				for _, f := range j.Findings {
					if f.Verdict != record.Pass {
						b.Errorf("%s: %s %s", f.Check, f.Verdict, f.Description)
					}
				}
				b.ReportMetric(loaded.Seconds(), "s-load")
				b.ReportMetric((time.Since(began) - loaded).Seconds(), "s-judge")
			}
			b.ReportMetric(float64(stop())/(1<<20), "MB-peak")
		})
	}
}

// BenchmarkEachCheck is what each check costs alone on the million.
func BenchmarkEachCheck(b *testing.B) {
	r := million(false)
	for _, c := range checks {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				run, err := index.New(r, record.SLOParams{})
				if err != nil {
					b.Fatal(err)
				}
				guard(context.Background(), c, input{run, Options{Workers: runtime.GOMAXPROCS(0)}}, &record.Result{})
			}
		})
	}
}

// peak samples the memory that the runtime holds of the system; the returned
// function ends it and returns the most.
func peak() (stop func() uint64) {
	var (
		most uint64
		done = make(chan struct{})
		wg   sync.WaitGroup
	)
	wg.Go(func() {
		sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			most = max(most, sample[0].Value.Uint64()-sample[1].Value.Uint64())
			select {
			case <-done:
				return
			case <-tick.C:
			}
		}
	})
	return func() uint64 {
		close(done)
		wg.Wait()
		return most
	}
}
