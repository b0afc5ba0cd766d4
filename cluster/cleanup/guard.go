package cleanup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Sweeper removes what a runtime has made for a run, and says what it removed.
type Sweeper struct {
	Name  string
	Sweep func(ctx context.Context, run string) (removed []string, err error)
}

// A sweep goes on until nothing more has turned up for quietFor: an engine may
// still be at work on what the owner asked of it just before it died.
const (
	sweepEvery  = 200 * time.Millisecond
	quietFor    = 2 * time.Second
	sweepWithin = 2 * time.Minute
)

// Guard is the watchdog's whole life: it says on out that it listens, waits
// for the owner's word or end on in, and in the latter case sweeps the run and
// forgets it.
func Guard(ctx context.Context, run string, in io.Reader, out, log io.Writer, sweepers []Sweeper) error {
	if _, err := fmt.Fprintln(out, ready); err != nil {
		return fmt.Errorf("guard run %s: %w", run, err)
	}
	word, err := bufio.NewReader(in).ReadString('\n')
	if strings.TrimSpace(word) == done {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		fmt.Fprintf(log, "guard run %s: owner says %q (%v)\n", run, word, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sweepWithin)
	defer cancel()
	if err := sweepUntilQuiet(ctx, run, log, sweepers); err != nil {
		return fmt.Errorf("guard run %s: %w", run, err) // the folder stays, for a later clean
	}
	return Remove(run)
}

func sweepUntilQuiet(ctx context.Context, run string, log io.Writer, sweepers []Sweeper) error {
	for quiet := time.Now(); ; {
		removed, err := Sweep(ctx, run, sweepers)
		for _, r := range removed {
			fmt.Fprintf(log, "removed %s\n", r)
		}
		if err != nil {
			fmt.Fprintln(log, err)
		}
		if len(removed) > 0 || err != nil {
			quiet = time.Now()
		}
		if time.Since(quiet) >= quietFor {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(sweepEvery):
		}
	}
}

// Sweep asks every sweeper once, all at the same time.
func Sweep(ctx context.Context, run string, sweepers []Sweeper) ([]string, error) {
	removed, errs := make([][]string, len(sweepers)), make([]error, len(sweepers))
	var wg sync.WaitGroup
	for i, s := range sweepers {
		wg.Go(func() {
			var err error
			if removed[i], err = s.Sweep(ctx, run); err != nil {
				errs[i] = fmt.Errorf("%s: %w", s.Name, err)
			}
		})
	}
	wg.Wait()
	var all []string
	for _, r := range removed {
		all = append(all, r...)
	}
	return all, errors.Join(errs...)
}
