package cluster

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// SandboxPart is which part of a sandbox has failed.
type SandboxPart string

// The parts.
const (
	// WholeSandbox is the container or process that owns a node's address and
	// runs the supervisor of its links.
	WholeSandbox SandboxPart = "sandbox"
	// LinkProxy is the process in a sandbox that carries its node's links.
	LinkProxy SandboxPart = "link proxy"
)

// SandboxFailure is a part of the framework that failed by itself: a sandbox
// or a link proxy that ended, stopped answering, or had to be replaced. What
// clients met on the links of that node while it lasted was not the system's
// doing, so a run with such a failure proves nothing about the system.
type SandboxFailure struct {
	// Node is the node whose links went through it: those that the node opens
	// to its peers, and those of every client region to the node.
	Node topology.NodeID
	Part SandboxPart
	// Reason continues the sentence "the sandbox of east-1 …".
	Reason string
	// OOMKilled says that the kernel killed it because its memory limit was reached.
	OOMKilled bool
	// Replaced says that a new link proxy carries the links again; connections
	// that were open are closed.
	Replaced bool
	// Found is when the failure was noticed, which is after it happened.
	Found time.Time
}

// String names the part, its node and the reason.
func (f SandboxFailure) String() string {
	return fmt.Sprintf("the %s of %s %s", f.Part, f.Node, f.Reason)
}

const (
	// healthTimeout is how long one linkd may take to answer. The first answer
	// that does not come proves nothing, since the machine may be busy.
	healthTimeout = time.Second
	// silenceTimeout is how long a part that runs may leave every question
	// unanswered before it counts as failed. A healthy one answers within
	// milliseconds, and within a second on a machine with three times the load
	// that it has processors for.
	silenceTimeout = 5 * time.Second
)

// slowAnswer is from where on an answer says that the part stood still meanwhile.
const slowAnswer = 500 * time.Millisecond

// SandboxStall is a time in which a sandbox or link proxy did not answer, and went on by itself
// afterwards. What clients met on the links of its node then was not the system's doing.
type SandboxStall struct {
	Node topology.NodeID
	// From is when it last answered, To when it answered again.
	From, To time.Time
}

// sandboxFailures is what was found so far.
type sandboxFailures struct {
	mu       sync.Mutex
	found    []SandboxFailure
	stalls   []SandboxStall
	replaced int // how many of the links' replacements are in found
	// recoveries are what became of the failed parts.
	recoveries []SandboxRecovery
	state      map[topology.NodeID]*sandboxState
}

// sandboxState is what is known of one sandbox.
type sandboxState struct {
	answered time.Time                 // when it was last healthy
	stall    *SandboxStall             // that the latest check found
	silent   map[SandboxPart]time.Time // since when it has not answered
	failed   map[SandboxPart]bool      // reported, and not healthy since
	attempts map[SandboxPart]int       // to make it again, since it was healthy
	recovery *SandboxRecovery          // that the latest check carried out
}

// SandboxFailures checks every sandbox and link proxy once and returns all
// failures found since the cluster was started, in the order in which they were
// found. A failure is listed once; a part that fails again after it was healthy
// is listed again. Call it at intervals of a second or so for as long as the
// cluster is up: a part that does not answer counts as failed only when it has
// not answered for 5 s, and what begins and ends between two calls is missed,
// save that every replaced link proxy is listed. A part that failed is made again with its links,
// where the runtime can do that; SandboxRecoveries tells what came of it.
//
// A call takes about as long as the slowest sandbox needs to answer, at most a
// second where all of them run, and longer while one is made again. Findings of a call whose ctx has ended are dropped.
func (c *Cluster) SandboxFailures(ctx context.Context) []SandboxFailure {
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	checks := make([][]SandboxFailure, len(c.Topology.Nodes))
	var all sync.WaitGroup
	for i, n := range c.Topology.Nodes {
		s := c.sandboxes[n.ID]
		if s == nil {
			continue
		}
		known := c.failures.of(n.ID)
		all.Go(func() {
			checks[i] = c.checkSandbox(ctx, n.ID, s, known)
			c.recoverSandbox(ctx, n.ID, s, known)
		})
	}
	all.Wait()
	if ctx.Err() == nil {
		for _, found := range checks {
			c.failures.found = append(c.failures.found, found...)
		}
		c.failures.addReplacements(c.Links)
		for _, n := range c.Topology.Nodes {
			if known := c.failures.of(n.ID); known.stall != nil {
				c.failures.stalls = append(c.failures.stalls, *known.stall)
				known.stall = nil
			}
			if known := c.failures.of(n.ID); known.recovery != nil {
				c.failures.recoveries = append(c.failures.recoveries, *known.recovery)
				known.recovery = nil
			}
		}
	}
	return slices.Clone(c.failures.found)
}

// SandboxStalls returns the stalls that the calls of SandboxFailures have found so far.
func (c *Cluster) SandboxStalls() []SandboxStall {
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	return slices.Clone(c.failures.stalls)
}

func (f *sandboxFailures) of(id topology.NodeID) *sandboxState {
	if f.state == nil {
		f.state = map[topology.NodeID]*sandboxState{}
	}
	if f.state[id] == nil {
		f.state[id] = &sandboxState{silent: map[SandboxPart]time.Time{}, failed: map[SandboxPart]bool{}, attempts: map[SandboxPart]int{}}
	}
	return f.state[id]
}

func (f *sandboxFailures) addReplacements(m *links.Mesh) {
	if m == nil {
		return
	}
	all := m.Replacements()
	for _, r := range all[f.replaced:] {
		f.found = append(f.found, SandboxFailure{
			Node: r.Node, Part: LinkProxy, Replaced: true, Found: r.At,
			Reason: fmt.Sprintf("did not answer (%v) and was replaced, which closed its connections", r.Why),
		})
	}
	f.replaced = len(all)
}

// checkSandbox asks one sandbox how it is and returns what is new.
func (c *Cluster) checkSandbox(ctx context.Context, id topology.NodeID, s Sandbox, known *sandboxState) []SandboxFailure {
	asked := time.Now()
	hctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	h, ok := c.Links.Health(hctx, id)
	if !ok || ctx.Err() != nil {
		return nil
	}
	fail := func(part SandboxPart, oom bool, reason string) []SandboxFailure {
		if ctx.Err() != nil || known.failed[part] {
			return nil
		}
		known.failed[part] = true
		return []SandboxFailure{{Node: id, Part: part, Reason: reason, OOMKilled: oom, Found: time.Now()}}
	}
	switch {
	case h.Supervisor != nil:
		// Only now is the runtime asked, which costs an engine more than linkd.
		sctx, cancel := context.WithTimeout(ctx, silenceTimeout)
		defer cancel()
		if is, err := s.Status(sctx); err == nil && is.State == Exited {
			return fail(WholeSandbox, is.OOMKilled, endOf(is))
		}
		if known.silence(WholeSandbox) {
			return fail(WholeSandbox, false, fmt.Sprintf("has not answered for %v: %v", silenceTimeout, h.Supervisor))
		}
		return nil
	case h.Dead != nil:
		known.answers(WholeSandbox)
		sctx, cancel := context.WithTimeout(ctx, silenceTimeout)
		defer cancel()
		if is, err := s.Status(sctx); err == nil && is.OOMKilled {
			return fail(LinkProxy, true, "was killed by the kernel because its memory limit was reached")
		}
		return fail(LinkProxy, false, "ended: "+h.Dead.Error())
	case h.Hung != nil:
		known.answers(WholeSandbox)
		if known.silence(LinkProxy) {
			return fail(LinkProxy, false, fmt.Sprintf("has not answered for %v: %v", silenceTimeout, h.Hung))
		}
		return nil
	}
	known.healthy(id, asked)
	return nil
}

// healthy notes that both parts answered a question, and the stall that this ended if there was one.
func (s *sandboxState) healthy(id topology.NodeID, asked time.Time) {
	now := time.Now()
	silent := len(s.silent) > 0 && len(s.failed) == 0 // a failure has been reported as such
	if silent || now.Sub(asked) >= slowAnswer {
		from := asked
		if silent && !s.answered.IsZero() {
			from = s.answered
		}
		s.stall = &SandboxStall{Node: id, From: from, To: now}
	}
	s.answers(WholeSandbox)
	s.answers(LinkProxy)
	s.answered = now
}

// silence notes that a part did not answer and says whether that has lasted too long.
func (s *sandboxState) silence(p SandboxPart) bool {
	if s.silent[p].IsZero() {
		s.silent[p] = time.Now()
	}
	return time.Since(s.silent[p]) >= silenceTimeout
}

// answers notes that a part is healthy.
func (s *sandboxState) answers(p SandboxPart) {
	delete(s.silent, p)
	delete(s.failed, p)
	delete(s.attempts, p)
}

// endOf says how an exited sandbox ended.
func endOf(s ProcessStatus) string {
	switch {
	case s.OOMKilled:
		return "was killed by the kernel because its memory limit was reached"
	case s.ExitCode == -1:
		return "was killed by a signal"
	default:
		return fmt.Sprintf("exited with status %d", s.ExitCode)
	}
}
