package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/targets/conformance"
)

// suiteCase is a case of the conformance suite that runs outside of a test. As there,
// Fatal and Skip end the goroutine of the case.
type suiteCase struct {
	ctx  context.Context
	name string
	out  io.Writer

	mu       sync.Mutex
	said     []string
	failed   bool
	skipped  bool
	cleanups []func()
	parts    []*suiteCase
}

var _ conformance.T = (*suiteCase)(nil)

func newSuiteCase(ctx context.Context, name string, out io.Writer) *suiteCase {
	return &suiteCase{ctx: ctx, name: name, out: out}
}

// do carries out the case and then its clean-ups, the latest first.
func (c *suiteCase) do(f func(conformance.T)) {
	for _, step := range []func(){func() { f(c) }, c.cleanUp} {
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			defer c.recovered()
			step()
		}()
		<-ended
	}
}

func (c *suiteCase) recovered() {
	if r := recover(); r != nil {
		c.Errorf("the adapter panicked: %v", r)
	}
}

func (c *suiteCase) cleanUp() {
	for {
		c.mu.Lock()
		if len(c.cleanups) == 0 {
			c.mu.Unlock()
			return
		}
		last := c.cleanups[len(c.cleanups)-1]
		c.cleanups = c.cleanups[:len(c.cleanups)-1]
		c.mu.Unlock()
		last()
	}
}

// Run carries out a part, unless the user has interrupted, and prints what came of it.
func (c *suiteCase) Run(name string, f func(conformance.T)) bool {
	part := newSuiteCase(c.ctx, name, c.out)
	c.mu.Lock()
	c.parts = append(c.parts, part)
	c.mu.Unlock()
	if c.ctx.Err() != nil {
		part.skipped = true
		return false
	}
	began := time.Now()
	part.do(f)
	if c.ctx.Err() != nil && len(part.parts) == 0 { // what it found then says nothing of the system
		fmt.Fprintf(c.out, "interrupted  %s\n", name)
		part.failed, part.skipped = false, true
		return false
	}
	part.print(time.Since(began))
	if part.Failed() {
		c.mu.Lock()
		c.failed = true
		c.mu.Unlock()
	}
	return !part.Failed()
}

// print prints a case without parts. What a failed one logged is its evidence.
func (c *suiteCase) print(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.parts) > 0 && !c.failed {
		return
	}
	word := "ok  "
	switch {
	case c.failed:
		word = "FAIL"
	case c.skipped:
		word = "skip"
	}
	fmt.Fprintf(c.out, "%s  %s (%s)\n", word, c.name, duration.Format(took))
	if !c.failed && !c.skipped {
		return
	}
	const limit = 40 // lines; a node's whole log may be among them
	lines := strings.Split(strings.Join(c.said, "\n"), "\n")
	for i, line := range lines {
		if i == limit {
			fmt.Fprintf(c.out, "      and %d lines more\n", len(lines)-limit)
			break
		}
		fmt.Fprintf(c.out, "      %s\n", printable.Line(line))
	}
}

// count counts the cases without parts, and those that failed beside their parts.
func (c *suiteCase) count() (passed, failed, skipped int) {
	for _, part := range c.parts {
		p, f, s := part.count()
		passed, failed, skipped = passed+p, failed+f, skipped+s
		switch {
		case len(part.parts) > 0 && f > 0:
		case part.failed:
			failed++
		case len(part.parts) > 0:
		case part.skipped:
			skipped++
		default:
			passed++
		}
	}
	return passed, failed, skipped
}

func (c *suiteCase) say(s string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, strings.TrimRight(s, "\n"))
}

func (c *suiteCase) fail() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
}

// Helper implements conformance.T.
func (c *suiteCase) Helper() {}

// Log implements conformance.T.
func (c *suiteCase) Log(args ...any) { c.say(fmt.Sprintln(args...)) }

// Logf implements conformance.T.
func (c *suiteCase) Logf(format string, args ...any) { c.say(fmt.Sprintf(format, args...)) }

// Error implements conformance.T.
func (c *suiteCase) Error(args ...any) { c.fail(); c.Log(args...) }

// Errorf implements conformance.T.
func (c *suiteCase) Errorf(format string, args ...any) { c.fail(); c.Logf(format, args...) }

// Fatal implements conformance.T.
func (c *suiteCase) Fatal(args ...any) { c.Error(args...); runtime.Goexit() }

// Fatalf implements conformance.T.
func (c *suiteCase) Fatalf(format string, args ...any) { c.Errorf(format, args...); runtime.Goexit() }

// Skip implements conformance.T.
func (c *suiteCase) Skip(args ...any) { c.Skipf("%s", fmt.Sprint(args...)) }

// Skipf implements conformance.T.
func (c *suiteCase) Skipf(format string, args ...any) {
	c.mu.Lock()
	c.skipped = true
	c.mu.Unlock()
	c.Logf(format, args...)
	runtime.Goexit()
}

// Failed implements conformance.T.
func (c *suiteCase) Failed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Cleanup implements conformance.T.
func (c *suiteCase) Cleanup(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cleanups = append(c.cleanups, f)
}

// Context implements conformance.T.
func (c *suiteCase) Context() context.Context { return c.ctx }
