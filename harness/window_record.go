package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/workload"
)

// owns reports whether a window is judged by an operation.
func (w *Window) owns(m windowMarks, op history.Op) bool {
	switch op.Kind {
	case history.Open, history.Transfer, history.Publish, history.Consume:
		return true
	}
	if op.Final {
		return op.Intended >= m.readBack
	}
	if op.Kind == history.Balances {
		return true
	}
	return workload.PartOf(op) == w.part.number
}

// scope says which times a slice of the record has.
type scope int

const (
	scopeLive scope = iota // those of the session, to be observed
	scopeOwn               // counted from the window's begin, to be kept
)

// slice is the part of the session's record that belongs to the window.
func (w *Window) slice(m windowMarks, ops []history.Op, times scope) record.Run {
	run := w.session.log.snapshot()
	end := m.end
	if times == scopeLive {
		end = w.session.log.now()
	}
	within := func(at time.Duration) bool { return at >= m.from && at <= end }
	run.Faults = slices.DeleteFunc(run.Faults, func(f record.Fault) bool { return !within(f.Inject.Requested) })
	run.Events = slices.DeleteFunc(slices.Clone(run.Events), func(e record.Event) bool { return !within(e.At) })
	run.Matrices = slices.DeleteFunc(run.Matrices, func(x record.Matrix) bool { return !within(x.At) })
	first := m.observe
	for _, f := range run.Faults {
		first = min(first, f.Inject.Requested)
	}
	run.Phases = []record.Phase{{Name: record.Baseline, From: m.from, To: first}, {Name: record.Faulty, From: first, To: m.observe}}
	if times == scopeLive {
		run.Phases = append(run.Phases, record.Phase{Name: record.Observing, From: m.observe, To: record.NotReached})
		return run
	}
	run.Phases = append(run.Phases,
		record.Phase{Name: record.Observing, From: m.observe, To: m.quiesce},
		record.Phase{Name: record.Quiescing, From: m.quiesce, To: m.readBack},
		record.Phase{Name: record.ReadBack, From: m.readBack, To: m.end})
	run.Windows, run.Ops = nil, slices.Clone(ops)
	run.ID = fmt.Sprintf("%02d-%s", w.number, slug(w.name))
	run.Description = fmt.Sprintf("Window %q of session %s.", w.name, w.session.id)
	run.Started = run.Started.Add(m.from)
	run.Plan = w.plan(run.Faults, first)
	rebase(&run, m.from)
	return run
}

// plan is the window's part of the session's plan.
func (w *Window) plan(did []record.Fault, first time.Duration) json.RawMessage {
	s := w.session
	p := s.planSoFar()
	s.mu.Lock()
	offset := first - s.timeline
	s.mu.Unlock()
	p.Baseline = first - w.part.since
	p.Steps = slices.DeleteFunc(p.Steps, func(step scenarios.Step) bool {
		return !slices.ContainsFunc(did, func(f record.Fault) bool {
			return step.ID == f.ID || strings.HasPrefix(step.ID, f.ID+"-")
		})
	})
	for i := range p.Steps {
		p.Steps[i].At = max(0, p.Steps[i].At-offset)
		p.Steps[i].Episode = 1
	}
	b, err := json.Marshal(p)
	if err != nil {
		return nil // a plan that cannot be kept was reported when the session kept it
	}
	return b
}

// rebase counts every time of a record from an instant of it. What was not
// reached stays so.
func rebase(run *record.Run, from time.Duration) {
	shift := func(at *time.Duration) {
		if *at != record.NotReached {
			*at -= from
		}
	}
	for i := range run.Phases {
		shift(&run.Phases[i].From)
		shift(&run.Phases[i].To)
	}
	for i := range run.Faults {
		f := &run.Faults[i]
		f.Episode = 1
		for _, t := range []*record.Times{&f.Inject, &f.Heal} {
			for _, at := range []*time.Duration{&t.Planned, &t.Requested, &t.Confirmed, &t.Effective} {
				shift(at)
			}
		}
	}
	for i := range run.Events {
		shift(&run.Events[i].At)
	}
	for i := range run.Matrices {
		shift(&run.Matrices[i].At)
	}
	for i := range run.Ops {
		op := &run.Ops[i]
		for _, at := range []*time.Duration{&op.Intended, &op.Call, &op.Return} {
			shift(at)
		}
	}
}

// judge keeps the window's record in a run directory of its own and judges it.
func (w *Window) judge(ctx context.Context, m windowMarks) (_ *Result, err error) {
	s := w.session
	run := w.slice(m, w.ops(m, s.history.Ops()), scopeOwn)
	run.Checksummed = true
	dir, err := record.Create(filepath.Join(s.dir.Path, record.WindowsDir), run.Meta)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	for _, e := range run.Events {
		if err := dir.Event(e); err != nil {
			return nil, err
		}
	}
	if run.Plan != nil {
		if err := dir.Plan(run.Plan); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(dir.Links(run.Matrices), history.Save(dir.History(), run.Ops), dir.Run(&run)); err != nil {
		return nil, err
	}
	if err := dir.WriteChecksums(); err != nil {
		return nil, err
	}
	if err := judge(ctx, &run, dir, ""); err != nil {
		return nil, err
	}
	return &Result{Run: &run, Dir: dir.Path}, nil
}
