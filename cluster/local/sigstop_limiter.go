package local

import (
	"context"
	"sync"
	"time"
)

// limiterInterval is how often a node's use of CPU is measured. What it uses
// beyond its share in between, it waits for afterwards.
const limiterInterval = 5 * time.Millisecond

// limiterBurst is for how long a node may save what it does not use, so that
// one which idles is not stopped as soon as it does something.
const limiterBurst = 100 * time.Millisecond

// sigstopLimiter is the limiter of machines where this process may make no
// cgroup: it stops a node (SIGSTOP) when it has used more than its share of CPU
// and lets it go on (SIGCONT) when time has caught up, as cpulimit(1) does.
type sigstopLimiter struct {
	mu    sync.Mutex
	cpus  float64
	count int
	stop  []func() // of the goroutines, each returns when it has ended
}

var _ cpuLimiter = (*sigstopLimiter)(nil)

func (l *sigstopLimiter) mechanism() string { return "SIGSTOP and SIGCONT in turn" }

func (l *sigstopLimiter) limit(cpus float64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cpus = cpus
	return nil
}

func (l *sigstopLimiter) throttled() (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count, nil
}

// add follows a process until it ends or the limiter is released.
func (l *sigstopLimiter) add(c *child) error {
	used, err := c.cpuTime()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.count = 0
	l.stop = append(l.stop, func() { cancel(); <-ended })
	go func() {
		defer close(ended)
		defer c.suspend(false)
		l.follow(ctx, c, used)
	}()
	return nil
}

func (l *sigstopLimiter) follow(ctx context.Context, c *child, used time.Duration) {
	tick := time.NewTicker(limiterInterval)
	defer tick.Stop()
	var balance time.Duration // what it may use before it is stopped
	for last := time.Now(); ; {
		select {
		case <-ctx.Done():
			return
		case <-c.done:
			return
		case <-tick.C:
		}
		now, err := c.cpuTime()
		if err != nil {
			continue // it is ending
		}
		l.mu.Lock()
		cpus := l.cpus
		l.mu.Unlock()
		share := func(wall time.Duration) time.Duration { return time.Duration(cpus * float64(wall)) }
		balance = min(balance+share(time.Since(last)), share(limiterBurst)) - (now - used)
		last, used = time.Now(), now
		if c.suspend(balance < 0) {
			l.mu.Lock()
			l.count++
			l.mu.Unlock()
		}
	}
}

func (l *sigstopLimiter) release(context.Context) error {
	l.mu.Lock()
	stop := l.stop
	l.stop = nil
	l.mu.Unlock()
	for _, f := range stop {
		f()
	}
	return nil
}
