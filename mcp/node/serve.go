package node

import (
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/bus"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	prober "github.com/mcp-resilience/holdfast/mcp/health"
	"github.com/mcp-resilience/holdfast/mcp/membership"
	"github.com/mcp-resilience/holdfast/mcp/standby"
	"github.com/mcp-resilience/holdfast/mcp/telemetry"
)

// serveAPI serves users and peers. Stop lets calls under way finish, for at most 2 s.
func (n *node) serveAPI(done <-chan struct{}) (_ stopFunc, err error) {
	ln, err := net.Listen("tcp", n.cfg.listen(nodespec.APIPort))
	if err != nil {
		return nil, fmt.Errorf("listen for API: %w", err)
	}
	n.api = grpc.NewServer(
		grpc.Creds(credentials.NewTLS(n.who.ServerConfig())),
		grpc.MaxSendMsgSize(api.MaxMessage),
		grpc.StatsHandler(telemetry.TracingHandler()),
		grpc.ChainUnaryInterceptor(n.telemetry.Metrics.Unary),
		grpc.ChainUnaryInterceptor(n.guard.Unary),
		grpc.ChainUnaryInterceptor(n.defects.intercept),
		grpc.ChainUnaryInterceptor(n.admission.Unary),
		grpc.ChainStreamInterceptor(n.guard.Stream),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
	)
	grpc_health_v1.RegisterHealthServer(n.api, n.health)
	api.RegisterTelemetryServer(n.api, n.reports)
	api.RegisterWitnessServer(n.api, &prober.Witness{Prober: n.prober})
	api.RegisterIdentityServer(n.api, n.identity)
	api.RegisterStandbyServer(n.api, &standby.Server{Present: n.epoch})
	api.RegisterPeerServer(n.api, &gateway.PeerServer{Consensus: n.consensus, Admission: n.admission})
	ledger := n.ledger()
	api.RegisterKVServer(n.api, ledger)
	api.RegisterAccountsServer(n.api, &gateway.AccountsServer{KV: ledger})
	n.serveJournals()
	api.RegisterRegistryServer(n.api, n.directory())
	n.serveSettings(n.api, done)
	api.RegisterAdminServer(n.api, &membership.Admin{Gateway: n.gateway, Manager: n.membership})
	api.RegisterReconfigurationServer(n.api, n.reconfiguration())
	if n.bus != nil {
		api.RegisterBusServer(n.api, &bus.Service{Bus: n.bus})
	}
	served := make(chan error, 1)
	go func() { served <- n.api.Serve(ln) }()
	return func() error {
		if n.stopFast {
			n.api.Stop()
		}
		force := time.AfterFunc(2*time.Second, n.api.Stop)
		defer force.Stop()
		n.api.GracefulStop()
		return <-served
	}, nil
}
