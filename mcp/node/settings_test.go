package node_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// A change at a config server reaches every gateway a moment later; a value
// that makes no sense changes nothing and is said.
func TestGatewaysGoByTheirSettings(t *testing.T) {
	c := mcptest.Start(t, 1)
	pool := api.NewPool(nodespec.APIPort, c.Dial, api.Credentials{TLS: c.Identity().ClientConfig()})
	t.Cleanup(func() { pool.Close() })
	config := client.NewConfigClient(pool.To, c.Names())
	t.Cleanup(config.Close)
	put := func(value string) {
		t.Helper()
		c.Await("a put of "+value, func() bool {
			_, err := config.Put(t.Context(), client.NewID(), "gslb/ttl", value)
			return err == nil
		})
	}
	reports := func(name, value string) bool {
		for _, e := range c.Events(name) {
			if e.Kind == events.Configured && e.Fields["gslb/ttl"] == value && e.Fields["source"] != "" && e.Fields["revision"] != "" {
				return true
			}
		}
		return false
	}
	for _, name := range c.Names() {
		if got := ttl(t, c, name); got != 2 {
			t.Errorf("%s answers for %d s before anything is set, want the 2 that are built in", name, got)
		}
	}
	put("7s")
	for _, name := range c.Names() {
		c.Await(name+" to answer for 7 s", func() bool { return ttl(t, c, name) == 7 })
		c.Await(name+" to report the new value", func() bool { return reports(name, "7s") })
	}
	put("soon")
	for _, name := range c.Names() {
		c.Await(name+" to report the invalid value", func() bool { return reports(name, "soon") })
		if got := ttl(t, c, name); got != 7 {
			t.Errorf("%s answers for %d s after a value that makes no sense", name, got)
		}
	}
}

// ttl asks a node's DNS server how long its answer holds, in seconds.
func ttl(t *testing.T, c *mcptest.Cluster, name string) (seconds uint32) {
	t.Helper()
	c.Await("an answer of "+name+"'s DNS", func() bool {
		conn, err := pki.Dialer(c.Identity().ClientConfig(), c.Dial)(t.Context(), "tcp", net.JoinHostPort(name, fmt.Sprint(nodespec.DNSPort)))
		if err != nil {
			return false
		}
		defer conn.Close()
		q := new(dns.Msg).SetQuestion(nodespec.DNSZone, dns.TypeSRV)
		r, _, err := (&dns.Client{Net: "tcp", Timeout: time.Second}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
		if err != nil || len(r.Answer) == 0 {
			return false
		}
		seconds = r.Answer[0].Header().Ttl
		return true
	})
	return seconds
}
