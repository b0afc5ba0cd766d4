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

// askLimit bounds one question to one server.
const askLimit = 800 * time.Millisecond

// answer is one gateway that the GSLB names.
type answer struct {
	node   string
	addr   string // logical
	weight int
	ttl    time.Duration
}

func ttl(as []answer) time.Duration {
	for _, a := range as {
		return max(a.ttl, time.Second)
	}
	return time.Second
}

// lookup asks the DNS servers, those of the client's own region first.
func (c *Client) lookup(ctx context.Context) ([]answer, error) {
	as, err := hedge(ctx, c.work.Go, len(c.cfg.GSLB),
		func(ctx context.Context, i int) ([]answer, error) { return c.ask(ctx, c.cfg.GSLB[i]) }, nil)
	if err != nil {
		return nil, fmt.Errorf("look %s up: %w", c.cfg.Zone, err)
	}
	return as, nil
}

// ask puts the question to one DNS server.
func (c *Client) ask(ctx context.Context, server string) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	conn, err := c.secure(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(c.cfg.Zone), dns.TypeSRV)
	r, _, err := (&dns.Client{Net: "tcp-tls", Timeout: askLimit}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
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
