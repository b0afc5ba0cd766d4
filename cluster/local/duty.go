package local

import (
	"context"
	"sync"
	"time"
)

// dutyEvery is how often a node's use of CPU is looked at. What it uses beyond
// its share in between, it waits for afterwards.
const dutyEvery = 5 * time.Millisecond

// dutyCredit is for how long a node may save what it does not use, so that one
// which idles is not stopped at its first deed.
const dutyCredit = 100 * time.Millisecond

// duty is the brake of machines where this process may make no cgroup: it stops
// a node (SIGSTOP) when it has used more than its share of CPU and lets it go on
// (SIGCONT) when time has caught up, as cpulimit(1) does.
type duty struct {
	mu      sync.Mutex
	cpus    float64
	count   int
	release []func()
}

var _ brake = (*duty)(nil)

func (d *duty) how() string { return "SIGSTOP and SIGCONT in turn" }

func (d *duty) limit(cpus float64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cpus = cpus
	return nil
}

func (d *duty) stopped() (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.count, nil
}

// take follows a life until it ends or the brake is freed.
func (d *duty) take(l *life) error {
	used, err := cpuTime(l.cmd.Process.Pid)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	gone := make(chan struct{})
	d.mu.Lock()
	defer d.mu.Unlock()
	d.count = 0
	d.release = append(d.release, func() { cancel(); <-gone })
	go func() {
		defer close(gone)
		defer l.brake(false)
		d.drive(ctx, l, used)
	}()
	return nil
}

func (d *duty) drive(ctx context.Context, l *life, used time.Duration) {
	tick := time.NewTicker(dutyEvery)
	defer tick.Stop()
	var balance time.Duration // what it may use before it is stopped
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-l.done:
			return
		case <-tick.C:
		}
		now, err := cpuTime(l.cmd.Process.Pid)
		if err != nil {
			continue // it is ending
		}
		d.mu.Lock()
		cpus := d.cpus
		d.mu.Unlock()
		share := func(wall time.Duration) time.Duration { return time.Duration(cpus * float64(wall)) }
		balance = min(balance+share(time.Since(last)), share(dutyCredit)) - (now - used)
		last, used = time.Now(), now
		if l.brake(balance < 0) {
			d.mu.Lock()
			d.count++
			d.mu.Unlock()
		}
	}
}

func (d *duty) free(context.Context) error {
	d.mu.Lock()
	release := d.release
	d.release = nil
	d.mu.Unlock()
	for _, f := range release {
		f()
	}
	return nil
}

// stops is who wants a life to stand still: a Signal that paused it, a brake.
// It stands while either does.
type stops struct {
	mu             sync.Mutex
	paused, braked bool
}

// pause is cluster.Pause and, with false, cluster.Resume.
func (l *life) pause(on bool) error {
	l.stops.mu.Lock()
	defer l.stops.mu.Unlock()
	l.stops.paused = on
	if on {
		return stop(l.cmd.Process)
	}
	if l.stops.braked {
		return nil
	}
	return resume(l.cmd.Process)
}

// brake stops the life or lets it go on, and says whether it has stopped it now.
func (l *life) brake(on bool) (begins bool) {
	l.stops.mu.Lock()
	defer l.stops.mu.Unlock()
	if l.stops.braked == on || l.exited() {
		return false
	}
	l.stops.braked = on
	if on {
		_ = stop(l.cmd.Process) // fails when it has just ended, as does the next
	} else if !l.stops.paused {
		_ = resume(l.cmd.Process)
	}
	return on
}

// braked says whether the life stands still for its brake alone, which is no pause.
func (l *life) braked() bool {
	l.stops.mu.Lock()
	defer l.stops.mu.Unlock()
	return l.stops.braked && !l.stops.paused
}
