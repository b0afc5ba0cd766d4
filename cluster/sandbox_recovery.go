package cluster

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// SandboxRestarter is a Sandbox that can be started again once it has exited: at the same host, with the same
// credential, and without links.
type SandboxRestarter interface {
	RestartSandbox(ctx context.Context) (RestartedSandbox, error)
}

// RestartedSandbox is a sandbox that was started again.
type RestartedSandbox struct {
	Server links.Server // where its linkd is reached now
	// NodeDetached says that the node's process has lost its network with the old sandbox and gets that of the
	// new one only when it is started again.
	NodeDetached bool
}

// SandboxRecovery is what became of a sandbox or link proxy that had failed.
type SandboxRecovery struct {
	Node topology.NodeID
	Part SandboxPart
	At   time.Time
	// NodeRestarted says that the node had to be started again with it. That was our doing and no crash.
	NodeRestarted bool
	// Err is why it could not be made again; its links carry nothing from then on. It is nil when it was.
	Err error
}

// String says it in a sentence.
func (r SandboxRecovery) String() string {
	if r.Err != nil {
		return fmt.Sprintf("the %s of %s could not be made again, and its links carry nothing: %v", r.Part, r.Node, r.Err)
	}
	s := fmt.Sprintf("the %s of %s was made again with its links; connections that were open are closed", r.Part, r.Node)
	if r.NodeRestarted {
		s += ", and its node was killed and started again, without which it has no network: that is no crash of the system"
	}
	return s
}

const (
	// recoveryTimeout bounds one attempt to make a failed part again, and recoveryAttempts how often it
	// is tried before the part is given up.
	recoveryTimeout  = 20 * time.Second
	recoveryAttempts = 3
)

// SandboxRecoveries returns what the calls of SandboxFailures have made of the failed parts so far.
func (c *Cluster) SandboxRecoveries() []SandboxRecovery {
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	return slices.Clone(c.failures.recoveries)
}

// recoverSandbox makes the failed parts of a node's sandbox again, and notes what came of it once that is final.
func (c *Cluster) recoverSandbox(ctx context.Context, id topology.NodeID, s Sandbox, known *sandboxState) {
	part := LinkProxy
	switch {
	case known.failed[WholeSandbox]:
		part = WholeSandbox
	case !known.failed[LinkProxy]:
		return
	}
	if known.attempts[part] >= recoveryAttempts {
		return
	}
	known.attempts[part]++
	ctx, cancel := context.WithTimeout(ctx, recoveryTimeout)
	defer cancel()
	var err error
	restarted := false
	if part == WholeSandbox {
		restarted, err = c.restartSandbox(ctx, id, s)
	} else {
		err = c.Links.ReplaceProxies(ctx, id)
	}
	var never Unsupported
	switch {
	case err == nil:
		known.answers(part)
	case errors.As(err, &never):
		known.attempts[part] = recoveryAttempts
	case known.attempts[part] < recoveryAttempts:
		return // it is tried again at the next call
	}
	known.recovery = &SandboxRecovery{Node: id, Part: part, At: time.Now(), NodeRestarted: restarted, Err: err}
}

// restartSandbox ends what is left of a sandbox, starts it again, and gives it its links with the effects that
// faults have on them now. It reports whether the node was started again too.
func (c *Cluster) restartSandbox(ctx context.Context, id topology.NodeID, s Sandbox) (nodeRestarted bool, err error) {
	again, ok := s.(SandboxRestarter)
	if !ok {
		return false, Unsupported{Reason: "a sandbox of this runtime cannot be started again under its node"}
	}
	is, err := s.Status(ctx)
	if err != nil {
		return false, err
	}
	if is.State != Exited {
		if err := s.Signal(ctx, Kill); err != nil {
			return false, err
		}
		if err := awaitSandboxExit(ctx, s); err != nil {
			return false, err
		}
	}
	now, err := again.RestartSandbox(ctx)
	if err != nil {
		return false, err
	}
	if err := c.Links.Reopen(ctx, now.Server); err != nil {
		return false, err
	}
	if !now.NodeDetached {
		return false, nil
	}
	return c.states.of(id).rejoin(ctx, c.Process(id))
}

// rejoin kills a node that runs without a network and starts it again, in the state that the holds ask for. One that
// has exited by itself stays so, and one that a hold ended gets its network when that is released.
func (n *nodeState) rejoin(ctx context.Context, p Process) (restarted bool, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := p.Status(ctx)
	if err != nil || n.count[Exited] > 0 || s.State == Exited && !n.ended {
		return false, err
	}
	n.ended = true // by us, so that it counts as no crash
	if err := n.restart(ctx, p); err != nil {
		return false, fmt.Errorf("start the node again: %w", err)
	}
	return true, n.apply(ctx, p, Kill)
}

// awaitSandboxExit polls until the sandbox has exited.
func awaitSandboxExit(ctx context.Context, s Sandbox) error {
	for {
		is, err := s.Status(ctx)
		if err == nil && is.State == Exited {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("it does not end: %w", ctx.Err()), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
