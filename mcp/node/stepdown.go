package node

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
)

const (
	// starvedLimit is how long a leader may be short of CPU before it transfers leadership:
	// its heartbeats may still be in time while every commit is late. Time without
	// starvation, as when clients avoid the node, counts back by a tenth of its length,
	// because a leader that is starved again and again does not serve.
	starvedLimit           = 500 * time.Millisecond
	starvationPollInterval = 250 * time.Millisecond
	// transferTimeout bounds the transfer, and before it the search for a fit node.
	transferTimeout = 2 * time.Second
	// cooldown is how long a node that was short of CPU is not made leader again. It has
	// had less work since, so that it is not starved any more proves little.
	cooldown = 15 * time.Second
	// LeadershipService is the service name under which the gRPC health service reports
	// whether a node should be made leader. Whether it serves is under the empty name.
	LeadershipService = "leading"
)

// starvation remembers when this node was last short of CPU.
type starvation struct{ lastStarved atomic.Int64 } // in Unix nanoseconds

// watchStarvation transfers leadership when this node leads and is starved, and keeps the
// health service informed whether it is fit to lead, until ctx ends.
func (n *node) watchStarvation(ctx context.Context) {
	tick := time.NewTicker(starvationPollInterval)
	defer tick.Stop()
	var transferred time.Time
	var starved time.Duration
	for last := time.Now(); ; {
		now := time.Now()
		if passed := now.Sub(last); n.admission.Shedder.StarvedFor(now) > 0 {
			starved += passed
			n.starvation.lastStarved.Store(now.UnixNano())
		} else {
			starved = max(0, starved-passed/10)
		}
		last = now
		fit := grpc_health_v1.HealthCheckResponse_SERVING
		if now.Sub(time.Unix(0, n.starvation.lastStarved.Load())) < cooldown {
			fit = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		n.health.SetServingStatus(LeadershipService, fit)
		if _, leads := n.consensus.Leads(); leads && starved >= starvedLimit && now.Sub(transferred) > 2*transferTimeout {
			transferred = now // not again while this one may still be under way
			n.stepDown(ctx, starved)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stepDown transfers leadership to a node that is fit to lead. When there is none, all are
// starved, as on an overloaded machine, and an election would only add load.
func (n *node) stepDown(ctx context.Context, starved time.Duration) {
	to := n.pickSuccessor(ctx)
	if to == "" {
		return
	}
	n.note(events.StepDown, fmt.Sprintf("%s has been short of CPU for %v and transfers leadership to %s", n.cfg.Name, starved.Round(100*time.Millisecond), to), nil)
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	if err := n.consensus.TransferLeadership(ctx, to); err != nil {
		n.note(events.StepDown, n.cfg.Name+" still leads: "+err.Error(), nil)
	}
}

// pickSuccessor returns the voter that is the first to answer that it is fit to lead, ""
// when none does in time. All are asked at once, because a starved node is slow at asking.
func (n *node) pickSuccessor(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	voters := slices.DeleteFunc(n.cluster().Voters, func(v string) bool { return v == n.cfg.Name })
	answers := make(chan string, len(voters))
	for _, v := range voters {
		go func() {
			if n.askLeadership(ctx, v) != nil {
				v = ""
			}
			answers <- v
		}()
	}
	for range voters {
		if v := <-answers; v != "" {
			return v
		}
	}
	return ""
}

// canLead returns nil if a node answers in time that it serves, and that it is fit to lead.
func (n *node) canLead(ctx context.Context, name string) error {
	if err := n.prober.Probe(ctx, name); err != nil {
		return err
	}
	return n.askLeadership(ctx, name)
}

// askLeadership returns nil if a node answers that it is fit to lead. A node that is
// stopping is not.
func (n *node) askLeadership(ctx context.Context, name string) error {
	conn, err := n.peers.To(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: LeadershipService})
	if err != nil {
		return fmt.Errorf("ask %s whether it can lead: %w", name, err)
	}
	if r.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		return fmt.Errorf("%s has been short of CPU lately", name)
	}
	return nil
}

// newAdmission makes the admission control of the API.
func (n *node) newAdmission() *gateway.Admission {
	a := &gateway.Admission{Name: n.cfg.Name, User: userOf, Defects: n.cfg.gatewayDefects()}
	a.Limits.Set(n.cfg.Profile.Limits)
	n.telemetry.Metrics.GaugeVec("mcp_calls_refused", "How many calls were refused for want of resources since the node started.", "reason", a.Refused)
	return a
}
