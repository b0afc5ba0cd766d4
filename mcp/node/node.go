package node

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/arbiter"
	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/consensus"
	"github.com/mcp-resilience/holdfast/mcp/eventlog"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/gslb"
	prober "github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/membership"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/primarybackup"
	"github.com/mcp-resilience/holdfast/mcp/resolver"
	"github.com/mcp-resilience/holdfast/mcp/telemetry"
)

// node holds the parts of a running node.
type node struct {
	epochState
	cfg          Config
	who          *pki.Identity
	guard        *identity.Guard
	identity     *identity.Service
	signer       *identity.Signer // nil without that role
	eventLog     *eventlog.Log
	consensus    *consensus.Node
	peers        *api.Pool
	prober       *prober.Prober
	arbiter      *arbiter.Arbiter
	gateway      *gateway.Gateway
	membership   *membership.Manager
	leaderHealth *gateway.LeaderHealth
	admission    *gateway.Admission
	starvation   starvation
	defects      *hooks
	telemetry    *telemetry.Telemetry
	journals     *primarybackup.Replica // nil unless this is a control node
	reports      *telemetry.Reports
	reporter     *telemetry.Reporter
	alerts       *telemetry.Alerts
	settings     atomic.Pointer[client.Settings] // that a gateway applies; nil until they are read
	ttl          atomic.Uint32                   // of DNS answers, in seconds
	note         func(k events.Kind, description string, fields map[string]string)
	api          *grpc.Server
	health       *health.Server
	local        *http.ServeMux // served in the clear, on loopback only
	bus          *bus.Bus       // nil if the node does not carry it
}

// Run runs a node from start to graceful stop. It returns when ctx has ended, leadership has
// been transferred, and all that was under way is finished. Raft's own JSON log goes to
// raftLog.
func Run(ctx context.Context, cfg Config, log *slog.Logger, raftLog io.Writer) (err error) {
	names := resolver.Resolver{HostsFile: cfg.Hosts}
	who, err := pki.NewIdentity(cfg.Secret, cfg.Name, pki.Node)
	if err != nil {
		return err
	}
	n := &node{
		cfg: cfg, who: who, local: http.NewServeMux(), health: health.NewServer(), eventLog: eventlog.New(cfg.Name, cfg.Region),
		peers: api.NewPool(nodespec.APIPort, names.Dial, api.Credentials{TLS: who.ClientConfig()}),
	}
	n.note = func(k events.Kind, description string, fields map[string]string) {
		n.eventLog.Emit(k, description, fields)
		n.telemetry.Metrics.Event(string(k))
		log.Info(description, "event", k)
	}
	n.defects = newHooks(n)
	for _, d := range cfg.Defects {
		log.Warn("defect is switched on", "defect", d)
	}
	n.raftLog = hclog.New(&hclog.LoggerOptions{Name: "raft", Level: hclog.Info, Output: raftLog, JSONFormat: true})
	var up shutdownStack
	defer func() { err = errors.Join(err, up.stopAll()) }()
	err = up.startAll(
		func() (stopFunc, error) { return n.openTelemetry(ctx) },
		func() (stopFunc, error) { return nil, n.enterEpoch(ctx, log) },
		func() (stopFunc, error) { return n.openConsensus(names.Dial) },
		func() (stopFunc, error) { return n.peers.Close, nil },
		n.openJournals,
		func() (stopFunc, error) { return nil, n.connectParts(log) },
		n.serveDNS,
		n.serveHTTP,
		n.serveLocal,
		func() (stopFunc, error) { return n.startSnapshots(ctx, log) },
		n.startWork,
		func() (stopFunc, error) { return n.startBus(names, log) },
		func() (stopFunc, error) { return n.serveAPI(ctx.Done()) },
		func() (stopFunc, error) { return n.configure(ctx) },
	)
	if err != nil {
		return err
	}
	n.note(events.Started, cfg.Name+" is up", map[string]string{"region": cfg.Region})

	if err := n.awaitNextEpoch(ctx); err != nil {
		n.stopFast = true
		return err
	}
	n.note(events.Stopping, cfg.Name+" was asked to stop", nil)
	n.health.Shutdown() // so that probers and clients notice before the node stops serving
	n.stepDownJournals()
	if _, leads := n.consensus.Leads(); leads {
		hctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		if err := n.consensus.TransferLeadership(hctx, ""); err != nil {
			log.Warn("stopping without having transferred leadership", "error", err)
		}
	}
	return nil
}

func (n *node) openTelemetry(ctx context.Context) (_ stopFunc, err error) {
	n.telemetry, err = telemetry.Open(ctx, telemetry.Config{Node: n.cfg.Name, Region: n.cfg.Region, Ratio: n.cfg.TraceRatio})
	if err != nil {
		return nil, err
	}
	return n.telemetry.Close, nil
}

func (n *node) openConsensus(dial pki.DialFunc) (_ stopFunc, err error) {
	if n.consensus, err = consensus.Open(n.consensusConfig(dial)); err != nil {
		return nil, err
	}
	return n.consensus.Close, nil
}

func (n *node) serveDNS() (stopFunc, error) {
	if !n.cfg.has(nodespec.Gateway) {
		return nil, nil
	}
	return (&gslb.Server{Zone: nodespec.DNSZone, Addr: n.cfg.listen(nodespec.DNSPort), TLS: n.who.AuthenticatedServerConfig(), Records: n.dnsRecords, TTL: n.ttl.Load}).Start()
}

// consensusConfig is the configuration of consensus in the present epoch.
func (n *node) consensusConfig(dial pki.DialFunc) consensus.Config {
	cfg := n.cfg
	return consensus.Config{
		Name: cfg.Name, Addr: cfg.listen(nodespec.RaftPort), Peers: raftAddresses(cfg.logMembers()), Voters: cfg.voters, Dir: filepath.Join(cfg.Data, "raft"),
		Dial: pki.Dialer(n.withEpochProtocol(n.who.ClientConfig()), dial), Listen: n.listenForConsensus, Timing: cfg.Profile.Consensus, Note: n.note, Logger: n.raftLog,
		YieldsFirstElection: cfg.plannedCluster().MainRegion() != cfg.Region && n.epoch.Number == 0,
		StartsFirstElection: cfg.plannedCluster().FirstControl() == cfg.Name,
		WaitsForLeader:      cfg.Join || n.epoch.Number > 0 || !slices.Contains(cfg.logMembers(), cfg.Name),
		NeedsLease:          cfg.hasStandbys() && slices.Contains(cfg.voters, cfg.Name),
		Defects:             cfg.consensusDefects(),
	}
}

// connectParts creates the parts and connects them to each other. None runs yet.
func (n *node) connectParts(log *slog.Logger) (err error) {
	cfg := n.cfg
	n.admission = n.newAdmission()
	n.leaderHealth = &gateway.LeaderHealth{HealthCheckTiming: cfg.Profile.LeaderHealth, Self: cfg.Name, Leader: n.consensus.Leader, Conn: n.peers.To}
	n.gateway = &gateway.Gateway{Name: cfg.Name, Consensus: n.consensus, Conn: n.peers.To, LeaderHealth: n.leaderHealth}
	n.membership = n.newMembership()
	n.prober = &prober.Prober{Targets: n.probeTargets, Timing: n.defects.probeTiming(cfg.Profile.Probes), To: n.peers.To, Note: n.note, Witnesses: n.witnesses}
	n.arbiter = &arbiter.Arbiter{
		Self: cfg.Name, Cluster: n.cluster,
		Timing: cfg.Profile.Arbiter, State: n.consensus.Committed(),
		Suspicions: n.prober.Suspicions, CanLead: n.canLead,
		Commit: n.gateway.SubmitOnce, Propose: n.consensus.Propose,
		Leads: n.consensus.Leads, TransferLeadership: n.consensus.TransferLeadership, Note: n.note, Defects: cfg.arbiterDefects(),
	}
	if n.signer, err = n.setUpIdentity(); err != nil {
		return err
	}
	n.registerMetrics(log)
	return nil
}

// startWork starts all that runs in the background; stop ends it and waits.
func (n *node) startWork() (stopFunc, error) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { n.reporter.Run(ctx) })
	all.Go(func() { n.registrar().Run(ctx) })
	if n.signer != nil {
		all.Go(func() { n.signer.Run(ctx) })
	}
	all.Go(func() { n.leaderHealth.Run(ctx) })
	if n.snapshots != nil {
		all.Go(func() { n.snapshots.Run(ctx) })
	}
	if !n.cfg.has(nodespec.Control) && n.cfg.Name == n.cfg.successor() {
		all.Go(func() { n.prober.Run(ctx) })
	}
	all.Go(func() { n.admission.Run(ctx) })
	all.Go(func() { n.watchStarvation(ctx) })
	if n.cfg.has(nodespec.Control) {
		all.Go(func() { n.alerts.Run(ctx) })
		for _, f := range []func(context.Context){n.defects.controlWork, n.journals.Run, n.prober.Run, n.arbiter.Report, n.arbiter.Judge, n.membership.Promote} {
			all.Go(func() { f(ctx) })
		}
	}
	return func() error {
		cancel()
		all.Wait()
		return nil
	}, nil
}
