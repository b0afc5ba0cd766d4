package faults

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/topology"
)

// Throttle starves the victims of CPU: each may use only a part of a processor
// and is stopped for the rest of the time, as in a container with a small quota
// or beside a greedy process on the same machine.
type Throttle struct {
	// CPU is how many processors each victim may use, 0.1 being a tenth of one.
	// It must be given.
	CPU float64 `json:"cpu" yaml:"cpu"`
}

// minCPU is the smallest share that every kernel takes.
const minCPU = 0.01

// throttleWindow is how long the use of CPU is measured. Limits are enforced in
// periods of 100 ms, so a fifth more than the share may be used within it.
const throttleWindow = 500 * time.Millisecond

// Validate implements Validator.
func (t *Throttle) Validate() error {
	if t.CPU < minCPU || t.CPU > 64 {
		return InvalidField{Field: "cpu", Message: fmt.Sprintf("must be between %v and 64 processors, such as 0.1 for a tenth of one", minCPU)}
	}
	return nil
}

// Requires implements CapabilityChecker: CPU can be limited and measured.
func (t *Throttle) Requires(p cluster.Process) error {
	_, err := cluster.ThrottlerOf(p)
	return err
}

// Prepare implements Fault.
func (t *Throttle) Prepare(v Victims) Injection {
	return &throttleInjection{victims: v, cpu: t.CPU}
}

// Impact implements Fault: slowness takes nothing away.
func (t *Throttle) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (t *Throttle) Describe(v Victims) string {
	return fmt.Sprintf("throttle %s to %v of a CPU", names(v.Cluster.Topology, v.Nodes), t.CPU)
}

type throttleInjection struct {
	undo
	victims Victims
	cpu     float64
}

// Inject implements Injection.
func (t *throttleInjection) Inject(ctx context.Context) error {
	return t.inject(func() (func(context.Context) error, error) {
		return forEachVictim(ctx, t.victims, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
			return t.victims.Cluster.Throttle(ctx, n.ID, t.cpu)
		})
	})
}

// Active implements Verifier: within half a second every victim used no more than its
// share and was stopped because it wanted more. A victim that is content with
// its share is not affected.
func (t *throttleInjection) Active(ctx context.Context) (string, error) {
	if len(t.victims.Nodes) == 0 {
		return "", errNoVictim
	}
	observed := make([]string, len(t.victims.Nodes))
	err := forAll(t.victims.Nodes, func(i int, n topology.Node) (err error) {
		observed[i], err = t.starved(ctx, n)
		return err
	})
	return summarize(observed), err
}

func (t *throttleInjection) starved(ctx context.Context, n topology.Node) (string, error) {
	before, err := cpuOf(ctx, t.victims.Cluster, n)
	if err != nil {
		return "", err
	}
	if before.Limit == 0 || before.Limit > t.cpu {
		return "", fmt.Errorf("%s has a limit of %v CPUs, want %v (0 is none)", n.ID, before.Limit, t.cpu)
	}
	begin := time.Now()
	if err := sleep(ctx, throttleWindow); err != nil {
		return "", err
	}
	after, err := cpuOf(ctx, t.victims.Cluster, n)
	if err != nil {
		return "", err
	}
	wall := time.Since(begin)
	used, stops := (after.Used-before.Used).Seconds()/wall.Seconds(), after.Stopped-before.Stopped
	observed := fmt.Sprintf("%s used %.3f of a CPU (limit %v, by %s) and was stopped %d times in %s",
		n.ID, used, after.Limit, after.How, stops, duration.Format(wall))
	switch {
	case used < 0 || stops < 0:
		return "", fmt.Errorf("%s was started again during the measurement", n.ID)
	case used > t.cpu*1.2+0.02:
		return "", fmt.Errorf("%s: more than its share", observed)
	case stops == 0:
		return "", fmt.Errorf("%s: it does not want more than its share", observed)
	}
	return observed, nil
}

// Cleared implements Verifier: no victim has a limit.
func (t *throttleInjection) Cleared(ctx context.Context) (string, error) {
	return unlimited(ctx, t.victims.Cluster, t.victims.Nodes)
}

// ControlUnaffected implements Verifier: a running node that is no victim has no limit.
func (t *throttleInjection) ControlUnaffected(ctx context.Context, others []topology.FaultImpact) (observed string, err error) {
	for _, n := range controlNodes(t.victims, others) {
		// One with a limit may be the victim of another throttle.
		if observed, err = unlimited(ctx, t.victims.Cluster, []topology.Node{n}); err == nil {
			return observed, nil
		}
	}
	if err == nil {
		observed = noControlNode
	}
	return observed, err
}

// unlimited returns nil when each node may use as much CPU as there is.
func unlimited(ctx context.Context, c *cluster.Cluster, nodes []topology.Node) (string, error) {
	observed := make([]string, len(nodes))
	err := forAll(nodes, func(i int, n topology.Node) error {
		u, err := cpuOf(ctx, c, n)
		if err == nil && u.Limit != 0 {
			err = fmt.Errorf("%s has a limit of %v CPUs", n.ID, u.Limit)
		}
		observed[i] = fmt.Sprintf("%s has no limit of CPU", n.ID)
		return err
	})
	return strings.Join(observed, ", "), err
}

func cpuOf(ctx context.Context, c *cluster.Cluster, n topology.Node) (cluster.CPU, error) {
	t, err := cluster.ThrottlerOf(c.Process(n.ID))
	if err != nil {
		return cluster.CPU{}, err
	}
	return t.CPU(ctx)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
