package faults

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Throttle starves the victims of CPU: each may use only a part of a processor
// and is stopped for the rest of the time, as in a container with a small quota
// or beside a greedy neighbour.
type Throttle struct {
	// CPU is how many processors each victim may use, 0.1 being a tenth of one.
	// It must be given.
	CPU float64 `json:"cpu" yaml:"cpu"`
}

// leastCPU is the smallest share that every kernel takes.
const leastCPU = 0.01

// throttleLook is how long a use of CPU is measured: limits are kept over
// periods of 100 ms, so a tenth more may fall into it.
const throttleLook = time.Second

// Validate implements Validator.
func (t *Throttle) Validate() error {
	if t.CPU < leastCPU || t.CPU > 64 {
		return InvalidField{Field: "cpu", Says: fmt.Sprintf("must be between %v and 64 processors, such as 0.1 for a tenth of one", leastCPU)}
	}
	return nil
}

// Requires implements Requirer.
func (t *Throttle) Requires(p cluster.Process) error {
	_, err := cluster.ThrottlerOf(p)
	return err
}

// Inject implements Fault.
func (t *Throttle) Inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return all(ctx, v, func(ctx context.Context, n topology.Node) (func(context.Context) error, error) {
		return v.Cluster.Throttle(ctx, n.ID, t.CPU)
	})
}

// FaultImpact implements Fault: slowness takes nothing away.
func (t *Throttle) Impact(Victims) topology.FaultImpact { return topology.FaultImpact{} }

// Describe implements Fault.
func (t *Throttle) Describe(v Victims) string {
	return fmt.Sprintf("throttle %s to %v of a CPU", names(v.Cluster.Topology, v.Nodes), t.CPU)
}

// Active implements Prover: over a second every victim used no more than its
// share and was stopped because it wanted more. One that is content with its
// share does not feel it.
func (t *Throttle) Active(ctx context.Context, v Victims) (string, error) {
	if len(v.Nodes) == 0 {
		return "", errors.New("there is no victim")
	}
	saws := make([]string, len(v.Nodes))
	err := each(v.Nodes, func(i int, n topology.Node) (err error) {
		saws[i], err = t.starved(ctx, v, n)
		return err
	})
	return few(saws), err
}

func (t *Throttle) starved(ctx context.Context, v Victims, n topology.Node) (string, error) {
	before, err := cpu(ctx, v, n)
	if err != nil {
		return "", err
	}
	if before.Limit == 0 || before.Limit > t.CPU {
		return "", fmt.Errorf("%s has a limit of %v CPUs, want %v (0 is none)", n.ID, before.Limit, t.CPU)
	}
	begin := time.Now()
	if err := wait(ctx, throttleLook); err != nil {
		return "", err
	}
	after, err := cpu(ctx, v, n)
	if err != nil {
		return "", err
	}
	wall := time.Since(begin)
	used, stops := (after.Used-before.Used).Seconds()/wall.Seconds(), after.Stopped-before.Stopped
	saw := fmt.Sprintf("%s used %.3f of a CPU (limit %v, by %s) and was stopped %d times in %v",
		n.ID, used, after.Limit, after.How, stops, wall.Round(time.Millisecond))
	switch {
	case used < 0 || stops < 0:
		return "", fmt.Errorf("%s was started again meanwhile", n.ID)
	case used > t.CPU*1.2+0.02:
		return "", fmt.Errorf("%s: more than its share", saw)
	case stops == 0:
		return "", fmt.Errorf("%s: it does not want more than its share", saw)
	}
	return saw, nil
}

// Cleared implements Prover: no victim has a limit.
func (t *Throttle) Cleared(ctx context.Context, v Victims) (string, error) {
	return unlimited(ctx, v, v.Nodes)
}

// ControlUnaffected implements Prover: a running node that is no victim has no limit.
func (t *Throttle) ControlUnaffected(ctx context.Context, v Victims) (saw string, err error) {
	down := topology.MergeImpacts(v.Others...).Down
	for _, n := range v.Cluster.Topology.Nodes {
		if slices.Contains(ids(v.Nodes), n.ID) || slices.Contains(down, n.ID) {
			continue
		}
		if saw, err = unlimited(ctx, v, []topology.Node{n}); err == nil {
			return saw, nil // the others may be the victims of another throttle
		}
	}
	if err == nil {
		saw = "no node is untouched, so none was looked at"
	}
	return saw, err
}

// unlimited returns nil when each node may use as much CPU as there is.
func unlimited(ctx context.Context, v Victims, nodes []topology.Node) (string, error) {
	saws := make([]string, len(nodes))
	err := each(nodes, func(i int, n topology.Node) error {
		u, err := cpu(ctx, v, n)
		if err == nil && u.Limit != 0 {
			err = fmt.Errorf("%s has a limit of %v CPUs", n.ID, u.Limit)
		}
		saws[i] = fmt.Sprintf("%s has no limit of CPU", n.ID)
		return err
	})
	return strings.Join(saws, ", "), err
}

func cpu(ctx context.Context, v Victims, n topology.Node) (cluster.CPU, error) {
	t, err := cluster.ThrottlerOf(v.Cluster.Process(n.ID))
	if err != nil {
		return cluster.CPU{}, err
	}
	return t.CPU(ctx)
}

func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}
