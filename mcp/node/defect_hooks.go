package node

import (
	"context"
	"slices"
	"sync"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/state"
	"github.com/mcp-resilience/holdfast/mcp/telemetry"
)

// hooks are the only points at which a defect of the node acts in place of what a
// sound node does. None is nil: production code calls them and knows of no defect.
// Defects within one part are that part's own: the node only switches them on.
type hooks struct {
	// probeTargets are the nodes that this one probes.
	probeTargets func(sound []string) []string
	// probeTiming is how it probes them.
	probeTiming func(sound health.Timing) health.Timing
	// registration reads what the registry is to know of this node.
	registration func(sound func() state.Registration) func() state.Registration
	// withdraw says whether the GSLB leads nobody to a gateway that is lost.
	withdraw func(lost bool) bool
	// storeSnapshots says whether the node puts snapshots into the object store.
	storeSnapshots func(leads bool) bool
	// alertSinks are where alerts go.
	alertSinks func(sound []telemetry.Sink) []telemetry.Sink
	// verifyToken judges a token that a caller shows.
	verifyToken func(sound verifyFunc) verifyFunc
	// intercept comes before each call of the API, after the caller is known.
	intercept grpc.UnaryServerInterceptor
	// controlWork runs beside the work of a control node until ctx ends.
	controlWork func(ctx context.Context)
}

type verifyFunc = func(ctx context.Context, token string) (identity.Principal, error)

func newHooks(n *node) *hooks {
	h := &hooks{
		probeTargets:   func(sound []string) []string { return sound },
		probeTiming:    func(sound health.Timing) health.Timing { return sound },
		registration:   func(sound func() state.Registration) func() state.Registration { return sound },
		withdraw:       func(lost bool) bool { return lost },
		storeSnapshots: func(leads bool) bool { return leads },
		alertSinks:     func(sound []telemetry.Sink) []telemetry.Sink { return sound },
		verifyToken:    func(sound verifyFunc) verifyFunc { return sound },
		intercept: func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			return next(ctx, req)
		},
		controlWork: func(context.Context) {},
	}
	for defect, install := range map[string]func(){
		nodespec.ProbeSelf:       func() { h.probeTargets = func([]string) []string { return []string{n.cfg.Name} } },
		nodespec.HairTrigger:     func() { h.probeTiming = health.HairTrigger },
		nodespec.StaleRegistry:   func() { h.registration = sync.OnceValue[state.Registration] },
		nodespec.NeverSwitch:     func() { h.withdraw = func(bool) bool { return false } },
		nodespec.NoSnapshots:     func() { h.storeSnapshots = func(bool) bool { return false } },
		nodespec.MuteAlerts:      func() { h.alertSinks = func([]telemetry.Sink) []telemetry.Sink { return nil } },
		nodespec.VerifyAtIssuer:  func() { h.verifyToken = func(verifyFunc) verifyFunc { return n.verifyAtIssuer() } },
		nodespec.EdgeBlind:       func() { h.intercept = n.refuseWithoutLeader },
		nodespec.SkipArbitration: func() { h.controlWork = n.leadWithoutArbitration },
	} {
		if n.cfg.defective(defect) {
			install()
		}
	}
	return h
}

// defective says whether the node was started with a defect.
func (c Config) defective(defect string) bool { return slices.Contains(c.Defects, defect) }

func (c Config) consensusDefects() consensus.Defects {
	return consensus.Defects{
		AckBeforeReplicate: c.defective(nodespec.AckBeforeReplicate),
		AckBeforeSync:      c.defective(nodespec.AckBeforeSync),
		SyncLater:          c.defective(nodespec.SyncLater),
		SkipArbitration:    c.defective(nodespec.SkipArbitration),
		ForgetIDs:          c.defective(nodespec.ForgetIdempotency),
	}
}

func (c Config) gatewayDefects() gateway.Defects {
	return gateway.Defects{FollowerReads: c.defective(nodespec.FollowerReads), NeverShed: c.defective(nodespec.NoShedding)}
}

func (c Config) arbiterDefects() arbiter.Defects {
	return arbiter.Defects{NeverSwitch: c.defective(nodespec.NeverSwitch)}
}

// verifyAtIssuer is the defect verify-at-issuer: a token is judged by asking the node that issued it.
func (n *node) verifyAtIssuer() verifyFunc {
	return n.identity.AskIssuer(func(node string) (api.IdentityClient, error) {
		conn, err := n.peers.To(node)
		return api.NewIdentityClient(conn), err
	})
}
