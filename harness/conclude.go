package harness

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/mcp-resilience/holdfast/check"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

// remove takes down what the run made, whatever state it is in, even when ctx is over.
func (r *run) remove(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	r.enter(record.Stopping, removeLimit)
	if r.hush != nil {
		r.hush()
		r.narrator.Wait()
	}
	if r.unplug != nil {
		if uerr := r.unplug(); uerr != nil {
			r.say("notice", "%v", uerr)
		}
	}
	for _, clients := range r.clients {
		for _, c := range clients {
			_ = c.Close() // its connections die with the cluster
		}
	}
	if r.cluster != nil {
		if lerr := r.saveLogs(ctx); lerr != nil {
			r.say("notice", "%v", lerr)
		}
		err = r.cluster.Close(ctx)
	}
	err = errors.Join(err, os.RemoveAll(r.scratch))
	if err != nil {
		// The watchdog stays, and removes what is left once this process is gone.
		return fmt.Errorf("remove run %s: %w; holdfast clean will try again", r.record.ID, err)
	}
	return r.guard.Done()
}

// conclude closes the record, judges it and writes the reports.
func (r *run) conclude(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, r.dir.Close()) }()
	err = r.history.Close()
	r.change(func(run *record.Run) {
		r.endPhase(r.now())
		run.Ops = r.history.Ops()
		run.Checksummed = true
	})
	r.say("judge", "%d operations", len(r.record.Ops))
	if err := errors.Join(err, r.saveErr); err != nil {
		return fmt.Errorf("record of run %s: %w", r.record.ID, err)
	}
	if err := r.dir.WriteChecksums(); err != nil {
		return fmt.Errorf("record of run %s: %w", r.record.ID, err)
	}
	return judge(ctx, r.record, r.dir, r.o.StepSummary)
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
	if err := dir.Result(r.Result); err != nil {
		return err
	}
	return reports.Write(dir.Path, r, stepSummary)
}
