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

// Sweeper removes what a runtime has made for a run, and returns what that was.
type Sweeper struct {
	Name  string
	Sweep func(ctx context.Context, run string) (removed []string, err error)
}

// A sweep goes on until nothing more has turned up for quietPeriod: an engine may
// still be at work on what the owner asked of it just before it died.
const (
	sweepInterval = 200 * time.Millisecond
	quietPeriod   = 2 * time.Second
	sweepTimeout  = 2 * time.Minute
)

// Guard is what the watchdog process does: it writes to out that it listens and
// reads in until the owner writes that it is done, or ends. If the owner has
// ended without that, Guard sweeps the run until nothing more turns up, and
// removes its folder. After an error the folder stays, for a later clean.
func Guard(ctx context.Context, run string, in io.Reader, out, log io.Writer, sweepers []Sweeper) error {
	if _, err := fmt.Fprintln(out, ready); err != nil {
		return fmt.Errorf("guard run %s: %w", run, err)
	}
	word, err := bufio.NewReader(in).ReadString('\n')
	if strings.TrimSpace(word) == done {
		return nil
	}
	if !errors.Is(err, io.EOF) {
		fmt.Fprintf(log, "guard run %s: the owner wrote %q, want %q (%v)\n", run, word, done, err)
	}
	ctx, cancel := context.WithTimeout(ctx, sweepTimeout)
	defer cancel()
	if err := sweepUntilQuiet(ctx, run, log, sweepers); err != nil {
		return fmt.Errorf("guard run %s: %w", run, err)
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
		if time.Since(quiet) >= quietPeriod {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(sweepInterval):
		}
	}
}

// Sweep calls every sweeper once, all at the same time, and returns what they removed.
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
