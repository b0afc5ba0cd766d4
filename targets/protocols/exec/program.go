package exec

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/internal/printable"
)

const (
	maxLine   = 16 << 20        // of an answer, in bytes. It must hold a whole set.
	maxStderr = 2 << 10         // bytes of standard error that are kept
	maxOwed   = 10_000          // operations without an answer
	stopGrace = 2 * time.Second // between the end of its input and its being killed
	lastWords = time.Second     // for what a program that has ended has written
)

// program is one process of the client program, from its start to its end.
type program struct {
	name    string
	cmd     *osexec.Cmd
	input   *os.File
	output  *os.File
	stderr  *tail
	queue   chan *call
	over    chan struct{} // closed by fail
	exited  chan struct{} // closed when the process has been waited for
	workers sync.WaitGroup

	mu         sync.Mutex
	why        error // why it serves no more
	reaped     bool  // its process group may soon be another's
	next       int64
	owed       map[int64]*call // sent or to be sent, without an answer
	lastAnswer time.Time
}

func startProgram(s Settings, env []string) (*program, error) {
	stdin, input, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	output, stdout, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(err, stdin.Close(), input.Close())
	}
	p := &program{
		name: s.Command[0], cmd: osexec.Command(s.Command[0], s.Command[1:]...), input: input, output: output, stderr: &tail{},
		queue: make(chan *call), over: make(chan struct{}), exited: make(chan struct{}),
		owed: map[int64]*call{}, lastAnswer: time.Now(),
	}
	p.cmd.Dir, p.cmd.Env = s.Dir, env
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = stdin, stdout, p.stderr
	p.cmd.WaitDelay = lastWords // for a grandchild that keeps standard error open
	isolate(p.cmd)
	started := make(chan error)
	read := make(chan struct{})
	p.workers.Go(func() { p.live(started, read) })
	err = <-started
	_, _ = stdin.Close(), stdout.Close() // the process has its own
	if err != nil {
		_, _ = input.Close(), output.Close()
		p.workers.Wait()
		return nil, err
	}
	p.workers.Go(p.write)
	p.workers.Go(func() { defer close(read); p.read() })
	p.workers.Go(func() { p.watch(s.HangTimeout) })
	return p, nil
}

// live starts the process and waits for its end, on a thread of its own: the kernel ends the process when the
// thread that started it ends, and so it does not outlive this process.
func (p *program) live(started chan<- error, read <-chan struct{}) {
	runtime.LockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	if awaitExit(p.cmd.Process.Pid) {
		p.mu.Lock()
		killGroup(p.cmd) // what it has started
		p.reaped = true
		p.mu.Unlock()
	}
	_ = p.cmd.Wait() // ProcessState has all there is to know
	close(p.exited)
	select {
	case <-read: // all that it has written
	case <-time.After(lastWords): // a grandchild keeps its standard output open
	}
	p.fail(fmt.Errorf("the client program ended: %s", p.cmd.ProcessState))
	_ = p.output.Close()
}

// write gives the program one operation after another.
func (p *program) write() {
	for {
		select {
		case <-p.over:
			return
		case c := <-p.queue:
			if !c.state.CompareAndSwap(queued, sent) {
				continue // nobody waits for it any more
			}
			line, err := json.Marshal(c.request)
			if err == nil {
				_, err = p.input.Write(append(line, '\n'))
			}
			if err != nil {
				p.fail(fmt.Errorf("the client program does not read its standard input: %w", err))
				return
			}
		}
	}
}

// read takes answers until the output ends.
func (p *program) read() {
	in := bufio.NewScanner(p.output)
	in.Buffer(make([]byte, 64<<10), maxLine)
	for in.Scan() {
		a, err := parseAnswer(in.Bytes())
		if err != nil {
			p.fail(fmt.Errorf("the client program wrote a line that is no answer, %s: %w", quoteStart(in.Bytes()), err))
			return
		}
		if err := p.deliver(a); err != nil {
			p.fail(err)
			return
		}
	}
	switch err := in.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		p.fail(fmt.Errorf("the client program wrote a line of more than %d MiB", maxLine>>20))
	default:
		select {
		case <-p.exited: // live says how
		case <-time.After(lastWords):
			p.fail(errors.New("the client program closed its standard output"))
		}
	}
}

// deliver gives an answer to whoever waits for it. An answer that comes after its operation was given up is ignored.
func (p *program) deliver(a answer) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.owed[*a.ID]
	if c == nil || c.state.Load() == queued {
		return fmt.Errorf("the client program answered an operation with id %d, which it does not owe an answer", *a.ID)
	}
	delete(p.owed, *a.ID)
	p.lastAnswer = time.Now()
	c.done <- result{answer: a}
	return nil
}

// watch ends a program that answers nothing.
func (p *program) watch(timeout time.Duration) {
	tick := time.NewTicker(max(timeout/8, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-p.over:
			return
		case <-tick.C:
		}
		if n := p.hangs(timeout); n > 0 {
			p.fail(fmt.Errorf("the client program hangs: %d operations wait and none was answered for %v", n, timeout))
			return
		}
	}
}

// hangs returns how many operations wait, if they have waited and nothing has been answered for the time-out.
func (p *program) hangs(timeout time.Duration) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.lastAnswer) < timeout {
		return 0
	}
	for _, c := range p.owed {
		if time.Since(c.since) >= timeout {
			return len(p.owed)
		}
	}
	return 0
}

// fail ends the program's service. Every operation that waits gets the reason.
func (p *program) fail(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.why != nil {
		return
	}
	if said := p.stderr.String(); said != "" {
		why = fmt.Errorf("%w; its standard error ends: %s", why, said)
	}
	p.why = why
	close(p.over)
	if !p.reaped {
		killGroup(p.cmd)
	}
	for _, c := range p.owed {
		c.done <- result{lost: why, unsent: c.state.CompareAndSwap(queued, cancelled)}
	}
	clear(p.owed)
}

// ended says why the program serves no more, or nil.
func (p *program) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.why
}

// stop ends the process and waits for its end. The end of its input asks it to end by itself.
func (p *program) stop() {
	_ = p.input.Close()
	select {
	case <-p.exited:
	case <-time.After(stopGrace):
	}
	p.fail(errors.New("the client is closed"))
	p.workers.Wait()
}

// quoteStart is the beginning of a line, for error messages.
func quoteStart(line []byte) string {
	const limit = 80
	if len(line) > limit {
		return fmt.Sprintf("%q…", line[:limit])
	}
	return fmt.Sprintf("%q", line)
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	end []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = append(t.end, b[max(0, len(b)-maxStderr):]...)
	t.end = t.end[max(0, len(t.end)-maxStderr):]
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return printable.Line(strings.TrimSpace(string(t.end)))
}
