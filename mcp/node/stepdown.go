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
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

const (
	// starvedLimit is how long a leader may be short of CPU before it hands over:
	// its heartbeats may still be in time while all that it commits is late. Moments
	// of relief, as there are when everybody leaves it alone, take back a tenth of
	// their length: a leader that serves in turns only does not serve.
	starvedLimit           = 500 * time.Millisecond
	starvationPollInterval = 250 * time.Millisecond
	// transferTimeout bounds the handing over, and before it the asking who is fit.
	transferTimeout = 2 * time.Second
	// cooldown is how long a node that was short of CPU is not made leader again. It
	// had less to do meanwhile, so that it is not starved now proves little.
	cooldown = 15 * time.Second
	// LeadershipService is the name under which the health service says whether a node
	// should be made leader; that it serves it says under the empty name.
	LeadershipService = "leading"
)

// starvation watches for how long this node is fit to lead.
type starvation struct{ lastStarved atomic.Int64 } // when it last was, in Unix nanoseconds

// watchStarvation hands leadership over when this node leads and is starved, and tells
// who asks whether it is fit to lead, until ctx ends.
func (n *node) watchStarvation(ctx context.Context) {
	tick := time.NewTicker(starvationPollInterval)
	defer tick.Stop()
	var handed time.Time
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
		if _, leads := n.consensus.Leads(); leads && starved >= starvedLimit && now.Sub(handed) > 2*transferTimeout {
			handed = now // it may take a moment; not again meanwhile
			n.stepDown(ctx, starved)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// stepDown hands leadership to a node that is fit to lead. When there is none all
// are starved, as on an overloaded machine, and an election would only cost more.
func (n *node) stepDown(ctx context.Context, starved time.Duration) {
	to := n.pickSuccessor(ctx)
	if to == "" {
		return
	}
	says := fmt.Sprintf("%s has been short of CPU for %v and hands leadership over", n.cfg.Name, starved.Round(100*time.Millisecond))
	n.note(events.StepDown, says, nil)
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	if err := n.consensus.TransferLeadership(ctx, to); err != nil {
		n.note(events.StepDown, n.cfg.Name+" leads on: "+err.Error(), nil)
	}
}

// pickSuccessor is the voter that is the first to say that it is fit to lead, "" when
// none says so in time. All are asked at once, for whoever is starved is slow at asking.
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

// canLead asks a node whether it serves, in good time, and whether it should lead.
func (n *node) canLead(ctx context.Context, name string) error {
	if err := n.prober.Probe(ctx, name); err != nil {
		return err
	}
	return n.askLeadership(ctx, name)
}

// askLeadership asks a node whether it should lead; one that stops says no.
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

// newAdmission is the door of the API.
func (n *node) newAdmission() *gateway.Admission {
	a := &gateway.Admission{Name: n.cfg.Name, User: userOf, Defects: n.cfg.gatewayDefects()}
	a.Limits.Set(n.cfg.Profile.Limits)
	n.telemetry.Metrics.GaugeOf("mcp_calls_refused", "How many calls were refused for want of resources since the node started.", "reason", a.Refused)
	return a
}

// userOf is the name by which a caller's calls are counted. Nodes and operators are no users.
func userOf(ctx context.Context) string {
	p, ok := identity.Of(ctx)
	if !ok || p.Kind != trust.Client {
		return ""
	}
	return p.Name
}
