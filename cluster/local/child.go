package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Environment variables that mark every process of a run. Both are needed, so
// that somebody's own HOLDFAST_RUN in a shell makes no process ours.
const (
	runEnv  = "HOLDFAST_RUN"
	nodeEnv = "HOLDFAST_NODE"
)

// childSpec is how a process is started, each time it is.
type childSpec struct {
	node topology.NodeID
	part string // "node" or "linkd"
	bin  string
	args []string
	env  []string
	dir  string
	log  string // appended to
}

// child is one process from its start to its end.
type child struct {
	childSpec
	cmd     *exec.Cmd
	started time.Time
	done    chan struct{}    // closed once it has been reaped
	ended   *os.ProcessState // valid after done

	mu     sync.Mutex // also held while the process is reaped or signalled
	reaped bool
	stop   stopState
}

// launch notes the intent in the clean-up log, starts the process and notes its pid.
func (r *Runtime) launch(spec childSpec) (*child, error) {
	if err := r.logCleanup(spec, "not started yet", "nothing, unless a process carries "+runEnv+"="+r.spec.Run); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(spec.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(spec.bin, spec.args...)
	cmd.Dir = spec.dir
	// Not this process's environment: a node shall see the same on every machine.
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HOME=" + spec.dir,
		runEnv + "=" + r.spec.Run, nodeEnv + "=" + string(spec.node),
	}, spec.env...)
	cmd.Stdout, cmd.Stderr = log, log
	isolate(cmd)

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the runtime is closed")
	}
	c := &child{childSpec: spec, cmd: cmd, started: time.Now(), done: make(chan struct{})}
	if err := r.spawn.start(cmd); err != nil {
		return nil, err
	}
	r.children = append(r.children, c)
	go c.reap()
	var started string
	_ = c.withPID(func(pid int) (err error) { // has it ended already, Status will show that
		started, err = startTicks(pid)
		return err
	})
	id := fmt.Sprintf("%d:%s", cmd.Process.Pid, started)
	if err := r.logCleanup(spec, id, "kill the process"); err != nil {
		c.kill()
		return nil, err
	}
	return c, nil
}

func (r *Runtime) logCleanup(spec childSpec, id, undo string) error {
	if r.spec.CleanupLog == nil {
		return nil
	}
	err := r.spec.CleanupLog.Append(cluster.CleanupEntry{
		What: "process", ID: id, Undo: fmt.Sprintf("%s of %s: %s", spec.part, spec.node, undo), At: time.Now(),
	})
	if err != nil {
		return fmt.Errorf("note %s of %s in the clean-up log: %w", spec.part, spec.node, err)
	}
	return nil
}

// reap waits for the end of the process. Between its end and its reaping the
// pid and the process group cannot be given to others, so that is where
// whoever is signalling it is waited for; see withPID.
func (c *child) reap() {
	awaitExit(c.cmd.Process.Pid)
	c.mu.Lock()
	defer c.mu.Unlock()
	_ = c.cmd.Wait() // ProcessState has all there is to know
	c.ended = c.cmd.ProcessState
	c.reaped = true
	close(c.done)
}

// withPID calls f with the pid for as long as it is certain to be this
// process's: f never runs once the process has been reaped, when the kernel may
// give the pid, and with it the process group, to another. The error is then
// os.ErrProcessDone.
func (c *child) withPID(f func(pid int) error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.reaped {
		return os.ErrProcessDone
	}
	return f(c.cmd.Process.Pid)
}

func (c *child) exited() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// signal signals the process alone.
func (c *child) signal(s syscall.Signal) error {
	return c.withPID(func(pid int) error { return signalProcess(pid, s) })
}

// kill ends the process and what it has started in its group.
func (c *child) kill() {
	_ = c.withPID(func(pid int) error { return signalGroup(pid, syscall.SIGKILL) }) // fails only when it has ended
}

// killAfter kills what has not ended by then; it ends with the process, so at
// the latest with the runtime.
func (c *child) killAfter(grace time.Duration) {
	t := time.NewTimer(grace)
	defer t.Stop()
	select {
	case <-c.done:
	case <-t.C:
		c.kill()
	}
}

// linkdGrace is how long a linkd may take to end by itself.
const linkdGrace = time.Second

// end ends the process and waits for that. A linkd is asked first, so that it
// takes its proxy along.
func (c *child) end(ctx context.Context) error {
	if c.part == "linkd" && c.signal(syscall.SIGINT) == nil {
		select {
		case <-c.done:
		case <-time.After(linkdGrace):
		case <-ctx.Done():
		}
	}
	c.kill()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s of %s has been killed and has not ended: %w", c.part, c.node, ctx.Err())
	}
}

// tailLog quotes the end of a log for an error message.
func tailLog(log string) string {
	f, err := os.Open(log)
	if err != nil {
		return "it has no log"
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil {
		_, _ = f.Seek(max(0, info.Size()-500), io.SeekStart)
	}
	b, err := io.ReadAll(f)
	if err != nil || len(bytes.TrimSpace(b)) == 0 {
		return "it wrote nothing"
	}
	return fmt.Sprintf("the end of its log: %q", bytes.TrimSpace(b))
}
