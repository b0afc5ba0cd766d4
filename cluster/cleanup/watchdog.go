// Package cleanup makes sure that nothing of a run outlives it, not even a
// kill -9. At the start of a run its owner starts a child in a session of its
// own and holds the writing end of a pipe to it. The kernel closes that end
// when the owner dies in whatever way; the child then removes everything that
// bears the run's id, and exits. An owner that ends well says so first.
//
//	owner ──"done\n" or just the end──► watchdog ──sweep──► containers, processes
//	  │ flock                                │
//	  └─► ~/.cache/holdfast/runs/RUN/ ◄──────┘ removes
//
// What there is to sweep, and how, is given to the child by its main package:
// this one knows no runtime.
package cleanup

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
)

// What owner and watchdog say to each other.
const (
	ready = "ready" // the watchdog, once it listens
	done  = "done"  // the owner, when nothing is left to sweep
)

// How long the watchdog may take to say that it listens, and to go when told.
const (
	readyWithin = 20 * time.Second
	goneWithin  = 5 * time.Second
)

// Handle is the owner's side of a run's watchdog.
type Handle struct {
	run     string
	journal *CleanupLog
	lock    *os.File
	child   *exec.Cmd
	leash   *os.File // writing end of the pipe
}

// held keeps guardians from the garbage collector, which closes the files of
// what nobody refers to: a run that had lost sight of its guardian would be
// swept while it runs.
var held sync.Map

// Start locks the run for this process, opens its journal and starts its
// watchdog from the binary of cmd/watchdog. It returns once the watchdog
// listens. A run that somebody owns already is an error.
func Start(ctx context.Context, run, binary string) (_ *Handle, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("start watchdog of run %s: %w", run, err)
		}
	}()
	g := &Handle{run: run}
	defer func() {
		if err != nil {
			_ = g.release()
		}
	}()
	if g.lock, err = own(run); err != nil {
		return nil, err
	}
	if g.journal, err = openJournal(run); err != nil {
		return nil, err
	}
	if err = g.startChild(ctx, binary); err != nil {
		return nil, err
	}
	held.Store(g, nil)
	return g, nil
}

// startChild starts the watchdog and waits until it says that it listens.
func (g *Handle) startChild(ctx context.Context, binary string) error {
	hears, leash, err := os.Pipe()
	if err != nil {
		return err
	}
	defer hears.Close()
	listens, says, err := os.Pipe()
	if err != nil {
		return errors.Join(err, leash.Close())
	}
	defer listens.Close()
	log, err := os.OpenFile(g.journal.path("watchdog.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return errors.Join(err, leash.Close(), says.Close())
	}
	defer log.Close()
	child := exec.Command(binary, "-run", g.run) // not bound to ctx: it outlives it by design
	child.Stdin, child.Stdout, child.Stderr = hears, says, log
	child.Dir = os.TempDir()
	child.SysProcAttr = ownSession()
	err = child.Start()
	_ = says.Close()
	if err != nil {
		return errors.Join(err, leash.Close())
	}
	g.child, g.leash = child, leash
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { _ = listens.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	word, err := bufio.NewReader(listens).ReadString('\n')
	if err == nil && word != ready+"\n" {
		err = fmt.Errorf("%s is not a watchdog: it says %q", binary, word)
	}
	if err != nil {
		text, _ := os.ReadFile(log.Name())
		return errors.Join(fmt.Errorf("it does not listen: %w: %s", err, text), g.dismiss())
	}
	return nil
}

// CleanupLog is where the run writes down what has to be undone.
func (g *Handle) Log() cluster.CleanupLog { return g.journal }

// Done tells the watchdog that nothing is left to sweep, waits until it is
// gone, and removes journal and lock. Further calls do nothing.
func (g *Handle) Done() error {
	defer held.Delete(g)
	err := g.dismiss()
	if e := g.release(); err == nil {
		err = e
	}
	if err != nil {
		return fmt.Errorf("dismiss watchdog of run %s: %w", g.run, err)
	}
	return nil
}

// dismiss ends the child.
func (g *Handle) dismiss() error {
	if g.child == nil {
		return nil
	}
	child := g.child
	g.child = nil
	_, werr := io.WriteString(g.leash, done+"\n") // fails when it has gone already
	_ = g.leash.Close()
	late := time.AfterFunc(goneWithin, func() { _ = child.Process.Kill() })
	defer late.Stop()
	if err := child.Wait(); err != nil {
		return fmt.Errorf("watchdog: %w", errors.Join(err, werr))
	}
	return nil
}

// release removes the run's folder, then lets go of the lock.
func (g *Handle) release() error {
	var errs []error
	if g.journal != nil {
		errs = append(errs, g.journal.Close())
		g.journal = nil
	}
	if g.lock != nil {
		errs = append(errs, Remove(g.run), g.lock.Close())
		g.lock = nil
	}
	return errors.Join(errs...)
}
