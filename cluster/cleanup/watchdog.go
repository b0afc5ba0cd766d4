// Package cleanup makes sure that nothing of a run outlives it, not even a
// kill -9 of the process that drives it. It names that process (Owner), keeps a
// log of what has to be undone, and starts a watchdog: a child in a session
// of its own that reads a pipe from its owner. The kernel closes the pipe when
// the owner dies in whatever way; the watchdog then removes everything that
// carries the run's id, and exits. An owner that ends well says so first.
//
//	owner ──"done\n" or just the end──► watchdog ──sweep──► containers, processes
//	  │ flock                                │
//	  └─► ~/.cache/holdfast/runs/RUN/ ◄──────┘ removes
//
// Where the watchdog was killed too, Orphans finds the run later.
//
// The package removes only folders of its own. It knows no runtime: what else
// there is to sweep, and how, is handed to it as a Sweeper. It does not heal
// faults; they go with the things that they were done to.
package cleanup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/mcp-resilience/holdfast/cluster"
)

// What owner and watchdog write to each other.
const (
	ready = "ready" // the watchdog, once it listens
	done  = "done"  // the owner, when nothing is left to sweep
)

const (
	readyTimeout = 20 * time.Second // for the watchdog to listen
	exitTimeout  = 5 * time.Second  // for the watchdog to end once it is asked to
)

// Handle is the owner's side of a run's watchdog.
type Handle struct {
	run       string
	log       *cleanupLog
	lock      *flock.Flock
	child     *exec.Cmd
	stdinPipe *os.File // writing end
}

// handles keeps each Handle in use from the garbage collector, which closes the
// files of what nobody refers to: a run that had lost sight of its Handle would
// be swept while it runs.
var handles sync.Map

// Start makes this process the owner of the run and starts its watchdog.
func Start(ctx context.Context, run, binary string) (*Handle, error) {
	h, err := Own(run)
	if err != nil {
		return nil, err
	}
	if err := h.StartWatchdog(ctx, binary); err != nil {
		return nil, errors.Join(err, h.Done())
	}
	return h, nil
}

// Own locks the run for this process and opens its clean-up log. It comes before
// everything that the run makes: if the process is killed, Runs and Orphans find the
// run from here on. A run that somebody owns already is an error. Done ends it.
func Own(run string) (_ *Handle, err error) {
	h := &Handle{run: run}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("own run %s: %w", run, err), h.release())
		}
	}()
	if h.lock, err = acquire(run); err != nil {
		return nil, err
	}
	if h.log, err = openLog(run); err != nil {
		return nil, err
	}
	handles.Store(h, nil)
	return h, nil
}

// StartWatchdog starts the run's watchdog from the binary of cmd/watchdog. It returns
// once the watchdog listens.
func (h *Handle) StartWatchdog(ctx context.Context, binary string) error {
	if err := h.startChild(ctx, binary); err != nil {
		return fmt.Errorf("start watchdog of run %s: %w", h.run, err)
	}
	return nil
}

// startChild starts the watchdog and waits until it writes that it listens.
func (h *Handle) startChild(ctx context.Context, binary string) error {
	childStdin, stdinPipe, err := os.Pipe()
	if err != nil {
		return err
	}
	defer childStdin.Close()
	stdout, childStdout, err := os.Pipe()
	if err != nil {
		return errors.Join(err, stdinPipe.Close())
	}
	defer stdout.Close()
	log, err := openSweepLog(h.run)
	if err != nil {
		return errors.Join(err, stdinPipe.Close(), childStdout.Close())
	}
	defer log.Close()
	child := exec.Command(binary, "-run", h.run) // not bound to ctx: it outlives it by design
	child.Stdin, child.Stdout, child.Stderr = childStdin, childStdout, log
	child.Dir = os.TempDir()
	child.SysProcAttr = ownSession()
	err = child.Start()
	_ = childStdout.Close()
	if err != nil {
		return errors.Join(err, stdinPipe.Close())
	}
	h.child, h.stdinPipe = child, stdinPipe
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = stdout.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	word, err := bufio.NewReader(stdout).ReadString('\n')
	if err == nil && word != ready+"\n" {
		err = fmt.Errorf("%s is not a watchdog: it wrote %q, want %q", binary, word, ready)
	}
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("it does not listen: %w: %s", err, text), h.dismiss())
	}
	return nil
}

func openSweepLog(run string) (*os.File, error) {
	dir, err := runDir(run)
	if err != nil {
		return nil, err
	}
	return os.OpenFile(filepath.Join(dir, sweepLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
}

// Log is where the run writes down what has to be undone.
func (h *Handle) Log() cluster.CleanupLog { return h.log }

// Done tells the watchdog that nothing is left to sweep, waits until it is
// gone, and removes clean-up log and lock. Further calls do nothing.
func (h *Handle) Done() error {
	defer handles.Delete(h)
	err := h.dismiss()
	if e := h.release(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("dismiss watchdog of run %s: %w", h.run, err)
	}
	return nil
}

// dismiss ends the watchdog and waits for it. One that does not end is killed.
func (h *Handle) dismiss() error {
	if h.child == nil {
		return nil
	}
	child := h.child
	h.child = nil
	_, werr := io.WriteString(h.stdinPipe, done+"\n") // fails when it has ended already
	_ = h.stdinPipe.Close()
	late := time.AfterFunc(exitTimeout, func() { _ = child.Process.Kill() })
	defer late.Stop()
	if err := child.Wait(); err != nil {
		return fmt.Errorf("watchdog: %w", errors.Join(err, werr))
	}
	return nil
}

// release removes the run's folder, then lets go of the lock.
func (h *Handle) release() error {
	var errs []error
	if h.log != nil {
		errs = append(errs, h.log.close())
		h.log = nil
	}
	if h.lock != nil {
		errs = append(errs, Remove(h.run), h.lock.Close())
		h.lock = nil
	}
	return errors.Join(errs...)
}
