// Package turns lets runs wait for each other on a machine that is too small for all of them. A run beside others on
// too few processors proves nothing, because nobody can tell whether the system or the machine was slow.
//
// The runs under way are those that package cleanup knows of this user, whichever command or test carries them out. Whoever
// waits holds one lock, so that runs begin one after the other; the kernel frees it when its holder dies.
package turns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/gofrs/flock"
	"github.com/prometheus/procfs"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

const (
	// perRun is how many processors a run is allowed for without measuring, and needed how many must be idle for
	// one to begin beside others all the same. A drill of three nodes alone on two processors keeps 0.8 to 1.1 of
	// them busy, and both at times.
	perRun = 2
	needed = 1.5
	// settled is how old a run must be before what it uses can be measured: it builds, starts and waits before its
	// load begins.
	settled = 20 * time.Second
	// measured is how long the idle processors are counted, and pollInterval the pause between two looks.
	measured     = 2 * time.Second
	pollInterval = 500 * time.Millisecond
	// noticeInterval is the pause between two lines on why a run still waits.
	noticeInterval = 15 * time.Second
)

// Machine is what runs share.
type Machine struct {
	Processors int
	// Others lists the runs of other processes.
	Others func() ([]cleanup.Running, error)
	// Idle measures how many processors had nothing to do; it may take seconds.
	Idle func(ctx context.Context) (float64, error)
	// Lock is the file that whoever is next has locked.
	Lock string
}

// This is the present machine.
func This() Machine {
	return Machine{Processors: runtime.GOMAXPROCS(0), Others: others, Idle: idle, Lock: cleanup.TurnFile()}
}

// Await returns when a run may begin: when no other run is under way, when the machine has processors for all of
// them, or when limit is over, which notice is told as why it waits. Release must be called once the run is under
// way itself, so that the next one counts it, or has been given up. A limit of 0 does not wait. The error is that of
// ctx; where runs cannot see each other, they do not wait.
func (m Machine) Await(ctx context.Context, limit time.Duration, notice func(string)) (release func(), err error) {
	release = func() {}
	if limit <= 0 {
		return release, ctx.Err()
	}
	if err := os.MkdirAll(filepath.Dir(m.Lock), 0o700); err != nil {
		notice("runs on this machine cannot take turns: " + err.Error())
		return release, ctx.Err()
	}
	lock := flock.New(m.Lock, flock.SetPermissions(0o600))
	release = func() { _ = lock.Close() }
	began, told := time.Now(), time.Time{}
	for {
		why, err := m.obstacle(ctx, lock)
		waited := time.Since(began)
		switch {
		case ctx.Err() != nil:
			release()
			return func() {}, ctx.Err()
		case err != nil:
			release()
			notice("runs on this machine cannot take turns: " + err.Error())
			return func() {}, nil
		case why == "":
			if !told.IsZero() {
				notice(fmt.Sprintf("it is its turn, after %v", waited.Round(time.Second)))
			}
			return release, nil
		case waited >= limit:
			release()
			notice(fmt.Sprintf("it begins without its turn, after %v: %s; what the machine is too busy for comes out unknown, cause environment", limit, why))
			return func() {}, nil
		case time.Since(told) >= noticeInterval:
			told = time.Now()
			notice("waiting for its turn on this machine: " + why)
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(pollInterval, limit-waited)):
		}
	}
}

// obstacle is why a run cannot begin now; it is empty when it can, and then the lock is held.
func (m Machine) obstacle(ctx context.Context, lock *flock.Flock) (string, error) {
	if !lock.Locked() {
		switch ok, err := lock.TryLock(); {
		case err != nil:
			return "", fmt.Errorf("lock %s: %w", lock.Path(), err)
		case !ok:
			return "another run waits before this one, or is being started", nil
		}
	}
	others, err := m.Others()
	if err != nil {
		return "", err
	}
	if perRun*(len(others)+1) <= m.Processors || len(others) == 0 {
		return "", nil
	}
	latest := others[len(others)-1]
	age := time.Since(latest.Since)
	why := fmt.Sprintf("process %d carries out %s since %v", latest.PID, latest.Run, age.Round(time.Second))
	if n := len(others) - 1; n > 0 {
		why += fmt.Sprintf(" (and %d more)", n)
	}
	if age < settled {
		return fmt.Sprintf("%s, and %d processors are too few for %d runs", why, m.Processors, len(others)+1), nil
	}
	idle, err := m.Idle(ctx)
	if err != nil {
		return why + ", and how busy the machine is cannot be measured", nil
	}
	if idle >= needed {
		return "", nil
	}
	return fmt.Sprintf("%s, and %.1f of %d processors are idle, of which a run needs %.1f", why, idle, m.Processors, needed), nil
}

// others lists the runs of other processes, without those that started this one: they may be waiting for it.
func others() ([]cleanup.Running, error) {
	all, err := cleanup.UnderWay()
	started := ancestors()
	return slices.DeleteFunc(all, func(r cleanup.Running) bool { return slices.Contains(started, r.PID) }), err
}

// ancestors are the processes that started this one, directly or not.
func ancestors() []int {
	out := []int{os.Getppid()}
	for len(out) < 64 {
		p, err := procfs.NewProc(out[len(out)-1])
		if err != nil {
			break
		}
		s, err := p.Stat()
		if err != nil || s.PPID <= 1 {
			break
		}
		out = append(out, s.PPID)
	}
	return out
}

// idle counts the idle processors of this machine over a stretch of time.
func idle(ctx context.Context) (float64, error) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return 0, err
	}
	before, err := fs.Stat()
	if err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-time.After(measured):
	}
	after, err := fs.Stat()
	if err != nil {
		return 0, err
	}
	sum := func(s procfs.CPUStat) float64 {
		return s.User + s.Nice + s.System + s.Idle + s.Iowait + s.IRQ + s.SoftIRQ + s.Steal
	}
	total := sum(after.CPUTotal) - sum(before.CPUTotal)
	if total <= 0 {
		return 0, errors.New("the kernel's counters stand still")
	}
	free := after.CPUTotal.Idle + after.CPUTotal.Iowait - before.CPUTotal.Idle - before.CPUTotal.Iowait
	return free / total * float64(runtime.NumCPU()), nil
}
