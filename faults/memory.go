package faults

import (
	"context"
	"fmt"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Memory leaves the victims only a little more memory than they use when it is
// injected. One that wants more has to give up cached files first, and is killed by
// the kernel when that is not enough; it is then started again at heal.
type Memory struct {
	// Headroom is how much more than it uses a victim may use, between 1MB and
	// 1GB. It must be given.
	Headroom Size `json:"headroom" yaml:"headroom"`
}

// minMemory is the least that every engine takes as a limit.
const minMemory = 8 << 20

// Validate implements Validator.
func (m *Memory) Validate() error {
	if m.Headroom < Size(mega) || m.Headroom > Size(giga) {
		return InvalidField{Field: "headroom", Message: "must be between 1MB and 1GB"}
	}
	return nil
}

// Requires implements CapabilityChecker: memory can be limited and measured.
func (m *Memory) Requires(p cluster.Process) error {
	_, err := cluster.MemoryLimiterOf(p)
	return err
}

// Prepare implements Fault.
func (m *Memory) Prepare(v Victims) Injection {
	return &memoryInjection{victims: v, headroom: int64(m.Headroom), limits: map[topology.NodeID]cluster.Memory{}}
}

// Impact implements Fault. A victim may be killed at any time, so it counts as
// down for as long as the fault lasts.
func (m *Memory) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (m *Memory) Describe(v Victims) string {
	return fmt.Sprintf("leave %s %v more memory than in use", names(v.Cluster.Topology, v.Nodes), m.Headroom)
}

type memoryInjection struct {
	undo
	victims  Victims
	headroom int64

	mu     sync.Mutex
	limits map[topology.NodeID]cluster.Memory // what was used at the injection, and the limit since
}

// Inject implements Injection.
func (m *memoryInjection) Inject(ctx context.Context) error {
	return m.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, m.victims, m.limit)
	})
}

// limitAttempts is how often a limit is tried: a victim that grows may be past one
// before it is set.
const limitAttempts = 5

func (m *memoryInjection) limit(ctx context.Context, n topology.Node) (release func(context.Context) error, err error) {
	for range limitAttempts {
		var is cluster.Memory
		if is, err = memoryOf(ctx, m.victims.Cluster, n); err != nil {
			return nil, err
		}
		is.Limit = max(is.Used+m.headroom, minMemory)
		if release, err = m.victims.Cluster.LimitMemory(ctx, n.ID, is.Limit); err == nil {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.limits[n.ID] = is
			return release, nil
		}
	}
	return nil, err
}

// Active implements Verifier: every victim has its limit and was refused memory
// since, or was killed for it. A victim that is content with what it has is not affected.
func (m *memoryInjection) Active(ctx context.Context) (string, error) {
	if len(m.victims.Nodes) == 0 {
		return "", errNoVictim
	}
	observed := make([]string, len(m.victims.Nodes))
	err := forAll(m.victims.Nodes, func(i int, n topology.Node) (err error) {
		observed[i], err = m.short(ctx, n)
		return err
	})
	return summarize(observed), err
}

func (m *memoryInjection) short(ctx context.Context, n topology.Node) (string, error) {
	m.mu.Lock()
	before, limited := m.limits[n.ID]
	m.mu.Unlock()
	if !limited {
		return "", fmt.Errorf("no limit of memory was set for %s", n.ID)
	}
	is, err := memoryOf(ctx, m.victims.Cluster, n)
	if err != nil {
		return "", err
	}
	if is.Limit > before.Limit {
		return "", fmt.Errorf("%s may use %d bytes of memory, want at most %d", n.ID, is.Limit, before.Limit)
	}
	s, err := m.victims.Cluster.Process(n.ID).Status(ctx)
	switch {
	case err != nil:
		return "", fmt.Errorf("state of %s: %w", n.ID, err)
	case s.State == cluster.Exited && s.OOMKilled:
		return fmt.Sprintf("%s was killed by the kernel for its memory (limit %v)", n.ID, Size(is.Limit)), nil
	case s.State == cluster.Exited:
		return "", fmt.Errorf("%s has exited (code %d), and not for its memory", n.ID, s.ExitCode)
	case is.Refused <= before.Refused:
		return "", fmt.Errorf("%s uses %d of %d bytes and wants no more", n.ID, is.Used, is.Limit)
	}
	return fmt.Sprintf("%s uses %d of %d bytes of memory and was refused more %d times", n.ID, is.Used, is.Limit, is.Refused-before.Refused), nil
}

// Cleared implements Verifier: every victim runs and may use as much as usual.
func (m *memoryInjection) Cleared(ctx context.Context) (string, error) {
	return usualMemory(ctx, m.victims.Cluster, m.victims.Nodes)
}

// ControlUnaffected implements Verifier: a node that is no victim runs and may use
// as much as usual.
func (m *memoryInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (string, error) {
	n, ok := controlNode(m.victims, others)
	if !ok {
		return noControlNode, nil
	}
	return usualMemory(ctx, m.victims.Cluster, []topology.Node{n})
}

func usualMemory(ctx context.Context, c *cluster.Cluster, nodes []topology.Node) (string, error) {
	observed, err := nodesInState(ctx, c, nodes, cluster.Running)
	if err != nil {
		return "", err
	}
	err = forAll(nodes, func(_ int, n topology.Node) error {
		is, err := memoryOf(ctx, c, n)
		if err == nil && is.Limit != is.Usual {
			err = fmt.Errorf("%s may use %d bytes of memory, want %d", n.ID, is.Limit, is.Usual)
		}
		return err
	})
	return observed + " with its usual memory", err
}

func memoryOf(ctx context.Context, c *cluster.Cluster, n topology.Node) (cluster.Memory, error) {
	p := c.Process(n.ID)
	if p == nil {
		return cluster.Memory{}, fmt.Errorf("memory of %s: no such node in this cluster", n.ID)
	}
	m, err := cluster.MemoryLimiterOf(p)
	if err != nil {
		return cluster.Memory{}, err
	}
	return m.Memory(ctx)
}
