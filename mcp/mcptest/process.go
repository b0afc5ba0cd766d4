package mcptest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/node"
)

const childEnv = "MCPTEST_NODE"

// RunChild must be called first in TestMain: in a child process it runs the node and exits.
func RunChild() {
	if os.Getenv(childEnv) != "" {
		os.Exit(node.Main(os.Args[1:], os.Stderr))
	}
}

type proc struct {
	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	logs *logBuffer
}

// Run starts a node that is not running.
func (c *Cluster) Run(name string) {
	c.t.Helper()
	c.start(name, c.args)
}

func (c *Cluster) start(name string, args []string) {
	c.t.Helper()
	cmd := exec.Command(os.Args[0], append([]string{"--name", name, "--host", c.addr[name], "--data", c.Data(name)}, args...)...)
	cmd.Env = append(os.Environ(), childEnv+"=1", nodespec.SecretEnv+"="+Secret)
	p := &proc{cmd: cmd, done: make(chan struct{}), logs: &logBuffer{}}
	cmd.Stderr = p.logs
	if err := cmd.Start(); err != nil {
		c.t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		_ = cmd.Wait()
		close(p.done)
	}()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.procs[name] = p
}

// Join starts a node that is not a member. It begins with an empty log and waits to be added.
func (c *Cluster) Join(name, region string) {
	c.t.Helper()
	c.names = append(c.names, name)
	c.addr[name] = c.addr[c.names[0]][:strings.LastIndexByte(c.addr[c.names[0]], '.')+1] + fmt.Sprint(len(c.names))
	f, err := os.OpenFile(c.hosts(), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := fmt.Fprintln(f, c.addr[name], name); err != nil {
		c.t.Fatal(err)
	}
	c.start(name, append(slices.Clone(c.args), "--peers", c.args[1]+","+name+"/"+region, "--join"))
}

// Signal sends a signal to a node. After SIGSTOP it waits until the node has stopped. Use Kill
// and Terminate to end a node and wait for its end.
func (c *Cluster) Signal(name string, s syscall.Signal) {
	c.t.Helper()
	if err := c.proc(name).cmd.Process.Signal(s); err != nil {
		c.t.Fatalf("signal %s: %v", name, err)
	}
	if s == syscall.SIGSTOP {
		c.Await(name+" to stop", func() bool { return stopped(c.proc(name).cmd.Process.Pid) })
	}
}

// stopped reports whether all threads of a process are stopped: on a busy machine they run
// on for a while after the signal. Without /proc it returns true.
func stopped(pid int) bool {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	for _, t := range threads {
		b, err := os.ReadFile(t)
		if _, state, ok := strings.Cut(string(b), ") "); err == nil && ok && !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return true
}

// Kill ends a node with SIGKILL.
func (c *Cluster) Kill(name string) {
	c.t.Helper()
	c.Signal(name, syscall.SIGKILL)
	<-c.proc(name).done
}

// Terminate ends a node gracefully and returns its exit status.
func (c *Cluster) Terminate(name string) int {
	c.t.Helper()
	c.Signal(name, syscall.SIGTERM)
	p := c.proc(name)
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

func (c *Cluster) proc(name string) *proc {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.procs[name]
}

// Log is what a node has logged since it was last started.
func (c *Cluster) Log(name string) string { return c.proc(name).logs.String() }

// logBuffer holds what a node logs.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
