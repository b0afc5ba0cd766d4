package client

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// requestTimeout limits one request to one server.
const requestTimeout = 800 * time.Millisecond

// answer is one gateway of a DNS answer.
type answer struct {
	node   string
	addr   string // logical address
	weight int
	ttl    time.Duration
}

// minTTL is how long answers are valid: they have one TTL, of at least a second.
func minTTL(as []answer) time.Duration {
	for _, a := range as {
		return max(a.ttl, time.Second)
	}
	return time.Second
}

// lookup asks the DNS servers, those of the client's own region first.
func (c *Client) lookup(ctx context.Context) ([]answer, error) {
	as, err := hedge(ctx, c.work.Go, len(c.cfg.GSLB),
		func(ctx context.Context, i int) ([]answer, error) { return c.lookupAt(ctx, c.cfg.GSLB[i]) }, nil)
	if err != nil {
		return nil, fmt.Errorf("look up %s: %w", c.cfg.Zone, err)
	}
	return as, nil
}

// lookupAt asks one DNS server for the gateways.
func (c *Client) lookupAt(ctx context.Context, server string) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	conn, err := c.secureDial(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(c.cfg.Zone), dns.TypeSRV)
	r, _, err := (&dns.Client{Net: "tcp-tls", Timeout: requestTimeout}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", server, c.cfg.Zone, err)
	}
	if r.Rcode != dns.RcodeSuccess {
		return nil, fmt.Errorf("ask %s for %s: %s", server, c.cfg.Zone, dns.RcodeToString[r.Rcode])
	}
	var out []answer
	for _, rr := range r.Answer {
		if s, ok := rr.(*dns.SRV); ok {
			node := strings.TrimSuffix(s.Target, ".")
			out = append(out, answer{
				node: node, addr: net.JoinHostPort(node, strconv.Itoa(int(s.Port))),
				weight: int(s.Weight), ttl: time.Duration(s.Hdr.Ttl) * time.Second,
			})
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("ask %s for %s: no SRV records", server, c.cfg.Zone)
	}
	return out, nil
}
