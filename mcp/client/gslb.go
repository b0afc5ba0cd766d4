package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

const (
	// askLimit bounds one question to one DNS server.
	askLimit = 800 * time.Millisecond
	// askNext is how long one server may be silent before the next is asked, too.
	askNext = 150 * time.Millisecond
)

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

// lookup asks the DNS servers in order, the next one when one fails or is slow, and
// takes the first answer.
func (c *Client) lookup(ctx context.Context) ([]answer, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type result struct {
		answers []answer
		err     error
	}
	results := make(chan result, len(c.cfg.GSLB))
	var errs []error
	next, open := 0, 0
	ask := func() {
		server := c.cfg.GSLB[next]
		next, open = next+1, open+1
		c.work.Go(func() {
			as, err := c.ask(ctx, server)
			results <- result{as, err}
		})
	}
	ask()
	for open > 0 {
		var patience <-chan time.Time
		if next < len(c.cfg.GSLB) {
			patience = time.After(askNext)
		}
		select {
		case r := <-results:
			if r.err == nil {
				return r.answers, nil
			}
			errs = append(errs, r.err)
			if open--; next < len(c.cfg.GSLB) {
				ask()
			}
		case <-patience:
			ask()
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return nil, fmt.Errorf("find a gateway: %w", errors.Join(errs...))
}

// ask puts the question to one DNS server.
func (c *Client) ask(ctx context.Context, server string) ([]answer, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	conn, err := c.cfg.Dial(ctx, "tcp", server)
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	unblock := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer unblock()
	q := new(dns.Msg).SetQuestion(dns.Fqdn(c.cfg.Zone), dns.TypeSRV)
	r, _, err := (&dns.Client{Net: "tcp", Timeout: askLimit}).ExchangeWithConn(q, &dns.Conn{Conn: conn})
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

// draw is a client's own source of chance.
type draw struct{ *rand.Rand }

func newDraw(seed uint64) draw { return draw{rand.New(rand.NewPCG(seed, seed^0x5bd1e995))} }

// weighted draws one answer, as often as its weight says; there must be one.
func (d draw) weighted(as []answer) answer {
	total := 0
	for _, a := range as {
		total += a.weight
	}
	at := d.IntN(total)
	for _, a := range as {
		if at < a.weight {
			return a
		}
		at -= a.weight
	}
	return as[len(as)-1]
}
