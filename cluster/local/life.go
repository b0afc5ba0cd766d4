package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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

// launch is how a process is started, each time it is.
type launch struct {
	node topology.NodeID
	part string // "node" or "linkd"
	bin  string
	args []string
	env  []string
	dir  string
	log  string // appended to
}

// life is one process from start to end.
type life struct {
	launch
	cmd     *exec.Cmd
	started time.Time
	done    chan struct{}    // closed once it has been reaped
	ended   *os.ProcessState // valid after done
	stops   stops
}

// launch journals the intent, starts the process and journals its pid.
func (r *Runtime) launch(how launch) (*life, error) {
	if err := r.note(how, "not started yet", "nothing, unless a process carries "+runEnv+"="+r.spec.Run); err != nil {
		return nil, err
	}
	log, err := os.OpenFile(how.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(how.bin, how.args...)
	cmd.Dir = how.dir
	// Not this process's environment: a node shall see the same on every machine.
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir(), "HOME=" + how.dir,
		runEnv + "=" + r.spec.Run, nodeEnv + "=" + string(how.node),
	}, how.env...)
	cmd.Stdout, cmd.Stderr = log, log
	isolate(cmd)

	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, errors.New("the runtime is closed")
	}
	l := &life{launch: how, cmd: cmd, started: time.Now(), done: make(chan struct{})}
	if err := r.nest.start(cmd); err != nil {
		return nil, err
	}
	r.lives = append(r.lives, l)
	go func() {
		_ = cmd.Wait() // the state says it all
		l.ended = cmd.ProcessState
		close(l.done)
	}()
	started, _ := startedAt(cmd.Process.Pid) // gone already: State will tell
	id := fmt.Sprintf("%d:%s", cmd.Process.Pid, started)
	if err := r.note(how, id, "kill the process"); err != nil {
		l.kill()
		return nil, err
	}
	return l, nil
}

func (r *Runtime) note(how launch, id, undo string) error {
	if r.spec.CleanupLog == nil {
		return nil
	}
	err := r.spec.CleanupLog.Append(cluster.CleanupEntry{
		What: "process", ID: id, Undo: fmt.Sprintf("%s of %s: %s", how.part, how.node, undo), At: time.Now(),
	})
	if err != nil {
		return fmt.Errorf("journal %s of %s: %w", how.part, how.node, err)
	}
	return nil
}

func (l *life) exited() bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// kill ends the process and what it has started in its group.
func (l *life) kill() {
	if l.exited() {
		return
	}
	killGroup(l.cmd.Process.Pid)
	_ = l.cmd.Process.Kill() // fails only when it has ended
}

// end ends the process and waits for that. A linkd is asked first, so that it
// takes its proxy along.
func (l *life) end(ctx context.Context) error {
	if l.part == "linkd" && !l.exited() {
		_ = l.cmd.Process.Signal(os.Interrupt)
		select {
		case <-l.done:
		case <-time.After(time.Second): // it hangs
		case <-ctx.Done():
		}
	}
	l.kill()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s of %s does not end: %w", l.part, l.node, ctx.Err())
	}
}

// lastWords quotes the end of a log for an error message.
func lastWords(log string) string {
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
	return fmt.Sprintf("its last words: %q", bytes.TrimSpace(b))
}
