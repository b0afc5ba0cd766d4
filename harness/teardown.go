package harness

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// Report is the path of the run's report.html.
func (r *Result) Report() string { return filepath.Join(r.Dir, reports.HTMLFile) }

// Finish heals what is still broken, waits until service is stable, reads
// everything back through every node, judges, writes the reports and removes
// the system. A system that breaks its promises is a verdict, not an error. When
// ctx ends before, the verdict is unknown. Further calls return the same.
func (s *Session) Finish(ctx context.Context) (*Result, error) {
	if s.claim() {
		joined, cancel := joinContexts(ctx, s.life)
		defer cancel()
		_ = s.faults.healAll(joined) // what failed is on record
		s.enterTimeline(record.NotReached)
		s.tearDown(joined, s.readBackWhenStable(joined))
	}
	<-s.done
	return s.result, s.err
}

// Close ends the session without finishing it: faults are healed, everything is
// removed, and the record is kept with the verdict unknown. After Finish it does nothing.
func (s *Session) Close() error {
	s.end(errClosed)
	<-s.done
	return s.err
}

// claim reports whether the caller is the one to end the session.
func (s *Session) claim() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	claimed := !s.ended
	s.ended = true
	return claimed
}

// readBackWhenStable keeps the load on until service is stable, and then reads everything back.
func (s *Session) readBackWhenStable(ctx context.Context) error {
	s.readingBack.Lock()
	defer s.readingBack.Unlock()
	s.faults.wait()
	s.log.enter(record.Observing, s.plan.Observe)
	timeout := unstableTimeout
	if stable := s.observe(ctx, s.log.snapshot()); stable {
		timeout = quiesceTimeout
	}
	recordLinks(ctx, s.system.cluster, s.log, "after")

	s.log.enter(record.Quiescing, timeout)
	err := s.load.stop()
	if ctx.Err() != nil || err != nil {
		return errors.Join(ctx.Err(), err)
	}
	s.load.quiesce(ctx, timeout, 0)
	s.load.drain(ctx)

	s.log.enter(record.ReadBack, record.NotReached)
	s.load.readBack(ctx, finalReads(s.history.Ops()))
	return ctx.Err()
}

// observe keeps the load on until service has been stable for a window past the
// last heal, or the plan's time for that is over. It reports whether it was stable.
// View is the record that is judged.
func (s *Session) observe(ctx context.Context, view record.Run) (stable bool) {
	healed := s.log.now()
	until := healed + s.plan.Observe
	for s.log.now() < until {
		// The live figures are cheap and asked often; the check's own definition,
		// which the verdict will use, has the last word.
		if s.load.stats.stable(s.log.now(), healed) >= s.load.stats.slo.Stable {
			view.Ops = s.history.Ops() // copies what is new
			if check.Stable(&view, record.SLOParams{}, s.log.now()) {
				return true
			}
		}
		if sleep(ctx, s.load.stats.slo.Bucket) != nil {
			return false
		}
	}
	return false
}

// tearDown takes the session down, whatever state it is in, judges its record
// and sets its result. It ends before its time when ctx has ended, or with why not nil.
func (s *Session) tearDown(ctx context.Context, why error) {
	defer close(s.done)
	if s.faults != nil {
		s.faults.close()
	}
	if s.machine != nil {
		s.machine.stop()
	}
	if s.crashes != nil {
		s.crashes.stop()
	}
	switch {
	case errors.Is(context.Cause(s.life), errClosed):
		s.log.abort(errClosed.Error())
	case ctx.Err() != nil:
		s.log.abort(record.Interrupted)
	case why != nil:
		s.log.abort(why.Error())
	}
	if s.coded {
		s.saveSteps()
	}
	err := s.remove()
	s.end(nil)
	s.result = &Result{Run: s.log.run, Dir: s.dir.Path}
	s.err = errors.Join(err, s.judge(context.WithoutCancel(s.life)))
	s.log.progress.close()
}

// remove takes down what the session made.
func (s *Session) remove() error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.life), removeTimeout)
	defer cancel()
	s.log.enter(record.Stopping, removeTimeout)
	s.load.close()
	return s.system.close(ctx, s.id, s.dir)
}

// judge closes the record, judges it and writes the reports. The directory stays
// locked until that is done.
func (s *Session) judge(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, s.dir.Close()) }()
	if blocked := s.log.progress.blockedFor(); blocked > watchTimeout {
		s.log.notice(record.EventNotice, "the function that watches this run has not returned for %s: the run ends without it", duration.Format(blocked))
	}
	err = s.history.Close()
	ops := s.history.Ops()
	s.log.notice(record.EventJudge, "%d operations", len(ops))
	err = errors.Join(err, s.log.close(func(run *record.Run) {
		run.Ops, run.Checksummed = ops, true
	}))
	if err != nil {
		return fmt.Errorf("record of run %s: %w", s.id, err)
	}
	if err := s.dir.WriteChecksums(); err != nil {
		return fmt.Errorf("record of run %s: %w", s.id, err)
	}
	return judge(ctx, s.log.run, s.dir, s.options.StepSummary)
}

// Recheck judges a stored run again with today's checks, rewrites its verdict
// and reports, and returns it. No cluster is needed.
func Recheck(ctx context.Context, dir string) (*record.Run, error) {
	d, err := record.Reopen(dir) // before the record is read, so that it is whole
	if err != nil {
		return nil, err
	}
	r, err := record.Load(dir)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return r, errors.Join(judge(ctx, r, d, ""), d.Close())
}

func judge(ctx context.Context, r *record.Run, dir *record.Dir, stepSummary string) error {
	r.Result = check.Judge(ctx, r, check.Options{})
	if err := writeLinearizabilityCharts(ctx, dir, r); err != nil {
		return err
	}
	if err := dir.Result(r.Result); err != nil {
		return err
	}
	return reports.Write(dir, r, stepSummary)
}
