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
	// starvedLeader is how long a leader may be short of CPU before it hands over:
	// its heartbeats may still be in time while all that it commits is late. Moments
	// of relief, as there are when everybody leaves it alone, take back a tenth of
	// their length: a leader that serves in turns only does not serve.
	starvedLeader = 500 * time.Millisecond
	asideEvery    = 250 * time.Millisecond
	// handLimit bounds the handing over, and before it the asking who is fit.
	handLimit = 2 * time.Second
	// unfitFor is how long a node that was short of CPU is not made leader again. It
	// had less to do meanwhile, so that it is not starved now proves little.
	unfitFor = 15 * time.Second
	// Leading is the name under which the health service says whether a node
	// should be made leader; that it serves it says under the empty name.
	Leading = "leading"
)

// aside watches for how long this node is fit to lead.
type aside struct{ starved atomic.Int64 } // when it last was, in Unix nanoseconds

// stepAside hands leadership over when this node leads and is starved, and tells
// who asks whether it is fit to lead, until ctx ends.
func (n *node) stepAside(ctx context.Context) {
	tick := time.NewTicker(asideEvery)
	defer tick.Stop()
	var handed time.Time
	var starved time.Duration
	for last := time.Now(); ; {
		now := time.Now()
		if passed := now.Sub(last); n.admission.Shedder.StarvedFor(now) > 0 {
			starved += passed
			n.aside.starved.Store(now.UnixNano())
		} else {
			starved = max(0, starved-passed/10)
		}
		last = now
		fit := grpc_health_v1.HealthCheckResponse_SERVING
		if now.Sub(time.Unix(0, n.aside.starved.Load())) < unfitFor {
			fit = grpc_health_v1.HealthCheckResponse_NOT_SERVING
		}
		n.health.SetServingStatus(Leading, fit)
		if _, leads := n.consensus.Leads(); leads && starved >= starvedLeader && now.Sub(handed) > 2*handLimit {
			handed = now // it may take a moment; not again meanwhile
			n.handOver(ctx, starved)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// handOver hands leadership to a node that is fit to lead. When there is none all
// are starved, as on an overloaded machine, and an election would only cost more.
func (n *node) handOver(ctx context.Context, starved time.Duration) {
	to := n.fittest(ctx)
	if to == "" {
		return
	}
	says := fmt.Sprintf("%s has been short of CPU for %v and hands leadership over", n.cfg.Name, starved.Round(100*time.Millisecond))
	n.note(events.StepDown, says, nil)
	ctx, cancel := context.WithTimeout(ctx, handLimit)
	defer cancel()
	if err := n.consensus.TransferLeadership(ctx, to); err != nil {
		n.note(events.StepDown, n.cfg.Name+" leads on: "+err.Error(), nil)
	}
}

// fittest is the voter that is the first to say that it is fit to lead, "" when
// none says so in time. All are asked at once, for whoever is starved is slow at asking.
func (n *node) fittest(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, handLimit)
	defer cancel()
	voters := slices.DeleteFunc(n.cluster().Voters, func(v string) bool { return v == n.cfg.Name })
	answers := make(chan string, len(voters))
	for _, v := range voters {
		go func() {
			if n.rested(ctx, v) != nil {
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

// fit asks a node whether it serves, in good time, and whether it should lead.
func (n *node) fit(ctx context.Context, name string) error {
	if err := n.prober.Ask(ctx, name); err != nil {
		return err
	}
	return n.rested(ctx, name)
}

// rested asks a node whether it should lead; one that stops says no.
func (n *node) rested(ctx context.Context, name string) error {
	conn, err := n.peers.To(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	r, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: Leading})
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
	a := &gateway.Admission{Name: n.cfg.Name, User: user, Defects: n.cfg.gatewayDefects()}
	a.Limits.Set(n.cfg.Profile.Limits)
	n.telemetry.Metrics.GaugeOf("mcp_calls_refused", "How many calls were refused for want of resources since the node started.", "reason", a.Refused)
	return a
}

// user is the name by which a caller's calls are counted. Nodes and operators are no users.
func user(ctx context.Context) string {
	p, ok := identity.Of(ctx)
	if !ok || p.Kind != trust.Client {
		return ""
	}
	return p.Name
}
