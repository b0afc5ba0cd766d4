package bus

import (
	"context"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// cluster is how the servers call what they form.
const cluster = "mcp"

const (
	// pings on a route: one that is silent for three of them is gone. The
	// default of minutes is for networks that say when they break.
	pings     = time.Second
	pingsLost = 2
	// maxStore bounds what a server keeps on its disk, in bytes.
	maxStore = 1 << 30
)

// ownReplica keeps questions for a stream's messages within the server that is
// asked: its own replica answers, where the library would pick any.
var ownReplica = &server.RoutePermissions{
	Import: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.GET.>"}},
	Export: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.GET.>"}},
}

// options are the server's. Everything that could make it listen or tell more
// than the platform means to is off.
func (c Config) options(ctx context.Context, g *gate) (*server.Options, error) {
	routes, err := c.routes(ctx)
	if err != nil {
		return nil, err
	}
	return &server.Options{
		ServerName: c.Name, Host: c.Host, Port: nodespec.BusPort, NoSigs: true,
		CustomClientAuthentication: g,
		TLSConfig:                  c.Who.Server(), TLSHandshakeFirst: true, // nothing is said in the clear
		Tags:      []string{"region:" + c.Region},
		JetStream: true, StoreDir: c.Dir, JetStreamMaxStore: maxStore, JetStreamMaxMemory: maxStore / 16,
		JetStreamUniqueTag:     "region:", // no two replicas in one region
		DisableJetStreamBanner: true,
		// Without it a log is synced every two minutes, and an acknowledgement
		// says only that a majority has the message in memory.
		SyncAlways: true,
		Routes:     routes,
		Cluster: server.ClusterOpts{
			Name: cluster, Host: c.Host, Port: nodespec.RoutePort,
			// Servers gossip each other's addresses. A name instead of the address
			// that a connection came from leads through the receiver's own links.
			NoAdvertise: true, Advertise: address(c.Name, nodespec.RoutePort),
			PoolSize:     -1, // one connection a peer: few messages, and one thing to lose
			Permissions:  ownReplica,
			PingInterval: pings, MaxPingsOut: pingsLost,
			TLSConfig:   between(c.Who),
			Compression: server.CompressionOpts{Mode: server.CompressionOff},
		},
	}, nil
}

// routes lists all servers, this one too: the library counts them to know how
// many make a majority, and recognises itself. A name that is in the hosts
// file becomes its address, for the library would ask the system.
func (c Config) routes(ctx context.Context) ([]*url.URL, error) {
	var out []*url.URL
	for _, name := range slices.Sorted(maps.Keys(c.Peers)) {
		host := c.Host
		if name != c.Name {
			ip, err := c.Lookup(name)
			if err != nil {
				return nil, fmt.Errorf("route to %s: %w", name, err)
			}
			if host = ip; ip == "" {
				host = name
			}
		}
		out = append(out, &url.URL{Scheme: "nats-route", Host: address(host, nodespec.RoutePort)})
	}
	return out, ctx.Err()
}

func address(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
