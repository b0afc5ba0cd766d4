// Package gslb is the global server load balancer: a DNS server in each gateway that answers,
// for a service name, which nodes to call and with what weights (SRV records with a short
// TTL). It answers from the node's own state, so it still answers when the node is cut off.
package gslb

import (
	"cmp"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// ttl is how long an answer may be cached by default, in seconds.
const ttl = 2

// Record is one node that serves. Clients try lower priorities first. Weight 0 means that
// the node is used only if no other of its priority is.
type Record struct {
	Node     string
	Port     int
	Priority int
	Weight   int
}

// Server answers DNS over TLS. All fields are needed.
type Server struct {
	Zone string // the platform's name, for example "mcp."
	Addr string // ip:port to listen on
	TLS  *tls.Config
	// Records returns the nodes of a service of the zone, "bus" for "bus.mcp.", and with an
	// empty name those of the zone itself; ok is false when there is no such service.
	Records func(service string) (records []Record, ok bool)
	TTL     func() uint32 // how long an answer may be cached, in seconds; 0 means 2 s
}

// Start serves until the returned stop is called, which waits for the end.
func (s *Server) Start() (stop func() error, err error) {
	ln, err := net.Listen("tcp", s.Addr)
	if err != nil {
		return nil, fmt.Errorf("listen for DNS: %w", err)
	}
	started := make(chan struct{})
	srv := &dns.Server{
		Listener: tls.NewListener(ln, s.TLS), Handler: dns.HandlerFunc(s.answer),
		ReadTimeout: 2 * time.Second, WriteTimeout: 2 * time.Second,
		NotifyStartedFunc: func() { close(started) },
	}
	served := make(chan error, 1)
	go func() { served <- srv.ActivateAndServe() }()
	<-started // a server that has not started cannot be shut down
	return func() error { return errors.Join(srv.Shutdown(), <-served) }, nil
}

func (s *Server) answer(w dns.ResponseWriter, q *dns.Msg) {
	m := new(dns.Msg)
	m.SetReply(q)
	m.Authoritative = true
	for _, question := range q.Question {
		records, ok := s.find(question.Name)
		if !ok {
			m.Rcode = dns.RcodeNameError
			continue
		}
		if question.Qtype != dns.TypeSRV && question.Qtype != dns.TypeANY {
			continue
		}
		for _, r := range records {
			m.Answer = append(m.Answer, &dns.SRV{
				Hdr:    dns.RR_Header{Name: question.Name, Rrtype: dns.TypeSRV, Class: dns.ClassINET, Ttl: cmp.Or(s.TTL(), ttl)},
				Target: dns.Fqdn(r.Node), Port: uint16(r.Port), Priority: uint16(r.Priority), Weight: uint16(r.Weight),
			})
		}
	}
	_ = w.WriteMsg(m) // after an error the client has gone, and will ask again
}

// find returns the records of a name in the zone.
func (s *Server) find(name string) ([]Record, bool) {
	service, ok := strings.CutSuffix(strings.ToLower(name), strings.ToLower(s.Zone))
	if !ok {
		return nil, false
	}
	if service == "" {
		return s.Records("")
	}
	if service, ok = strings.CutSuffix(service, "."); !ok || service == "" {
		return nil, false
	}
	return s.Records(service)
}
