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

// clusterName is the name of the servers' NATS cluster.
const clusterName = "mcp"

const (
	// pingInterval is that of the pings on a route. A route on which maxPingsOut pings are
	// unanswered is closed. The library's defaults of minutes are for networks that report
	// broken connections.
	pingInterval = time.Second
	maxPingsOut  = 2
	// maxStoreBytes limits what a server stores on disk.
	maxStoreBytes = 1 << 30
)

// localReadsOnly keeps requests for a stream's messages within the server that is asked, so
// that its own replica answers. The library would ask any replica.
var localReadsOnly = &server.RoutePermissions{
	Import: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.GET.>"}},
	Export: &server.SubjectPermission{Deny: []string{"$JS.API.DIRECT.GET.>"}},
}

// options are the server's options. Everything is off that would make it listen on more
// ports, or tell others more, than the platform means to.
func (c Config) options(ctx context.Context, g *authenticator) (*server.Options, error) {
	routes, err := c.routeURLs(ctx)
	if err != nil {
		return nil, err
	}
	return &server.Options{
		ServerName: c.Name, Host: c.Host, Port: nodespec.BusPort, NoSigs: true,
		CustomClientAuthentication: g,
		TLSConfig:                  c.Identity.ServerConfig(), TLSHandshakeFirst: true, // no plain-text greeting before TLS
		Tags:      []string{"region:" + c.Region},
		JetStream: true, StoreDir: c.Dir, JetStreamMaxStore: maxStoreBytes, JetStreamMaxMemory: maxStoreBytes / 16,
		JetStreamUniqueTag:     "region:", // no two replicas in one region
		DisableJetStreamBanner: true,
		// By default a log is synced every two minutes, and an acknowledgement means only that
		// a majority has the message in memory.
		SyncAlways: true,
		Routes:     routes,
		Cluster: server.ClusterOpts{
			Name: clusterName, Host: c.Host, Port: nodespec.RoutePort,
			// Servers gossip each other's addresses. A name, instead of the address that a
			// connection came from, is resolved by the receiver and leads over its own links.
			NoAdvertise: true, Advertise: hostPort(c.Name, nodespec.RoutePort),
			PoolSize:     -1, // one connection to each peer
			Permissions:  localReadsOnly,
			PingInterval: pingInterval, MaxPingsOut: maxPingsOut,
			TLSConfig:   routeTLS(c.Identity),
			Compression: server.CompressionOpts{Mode: server.CompressionOff},
		},
	}, nil
}

// routeURLs lists all servers, including this one: the library counts them to know how many
// make a majority, and recognises itself. A name that is in the hosts file is replaced by
// its address, because the library asks only the system's resolver.
func (c Config) routeURLs(ctx context.Context) ([]*url.URL, error) {
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
		out = append(out, &url.URL{Scheme: "nats-route", Host: hostPort(host, nodespec.RoutePort)})
	}
	return out, ctx.Err()
}

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }
