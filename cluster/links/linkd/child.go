package linkd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Child is a Backend of which each start is a process of its own, ended by
// SIGKILL, so that nothing it hangs in can stop it from being replaced. It
// dies with this process: by the kernel where it can do that, and because its
// standard input ends.
type Child struct {
	Admin string   // address that the child listens on
	Dial  string   // address at which this process reaches it
	Argv  []string // command line; it gets Admin by itself, and this process's environment
	Log   io.Writer

	mu      sync.Mutex
	running *childProcess
}

// childProcess is one start of the child.
type childProcess struct {
	cmd   *exec.Cmd
	stdin io.Closer
	done  chan struct{} // closed once it has been reaped
	err   error         // why it ended, valid after done
}

// Start runs the child and waits until its API answers.
func (c *Child) Start(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cmd := exec.Command(c.Argv[0], c.Argv[1:]...)
	cmd.Stdout, cmd.Stderr = c.Log, c.Log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	dieWithParent(cmd)
	l := &childProcess{cmd: cmd, stdin: stdin, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel kills the child when the thread that made it ends, so
		// that thread is kept for as long as the child lives.
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			l.err = cmd.Wait()
			close(l.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", c.Argv[0], err)
	}
	c.running = l
	return l.awaitAPI(ctx, "http://"+c.Dial+wire.Version)
}

// awaitAPI waits until the child's API does.
func (l *childProcess) awaitAPI(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err == nil { // that it wants a credential is an answer too
			_ = resp.Body.Close()
			return nil
		}
		select {
		case <-l.done:
			return fmt.Errorf("proxies ended before their API answered: %v", l.err)
		case <-ctx.Done():
			return fmt.Errorf("proxies do not answer: %w", err)
		case <-tick.C:
		}
	}
}

// Stop kills the child and reaps it.
func (c *Child) Stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return nil
	}
	if err := c.running.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-c.running.done
	_ = c.running.stdin.Close()
	c.running = nil
	return nil
}

// Healthy reports whether the child lives. It does not ask whether its API answers.
func (c *Child) Healthy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running == nil {
		return errors.New("proxies are stopped")
	}
	select {
	case <-c.running.done:
		return fmt.Errorf("proxies ended: %v", c.running.err)
	default:
		return nil
	}
}
