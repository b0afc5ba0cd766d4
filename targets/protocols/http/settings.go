package http

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// Settings say how operations are said.
type Settings struct {
	// Operations has a request for each kind of operation that the system has: read, write, cas, add, members, append,
	// put, list, open, transfer, balances, publish, messages. What is left out is not sent.
	Operations map[history.Kind]Operation `yaml:"operations"`
	// Headers are sent with every request. {{.Secret}} stands for the run's secret.
	Headers map[string]string `yaml:"headers,omitempty"`
	// Health is asked for on each new connection before anything else. Without it a connection that the proxy of
	// a link accepts for a dead node is taken for one to a node that lives, and the first write on it is unknown.
	Health *Health `yaml:"health,omitempty"`
	// WrongNode lists the statuses by which a node says that it has done nothing and that another node serves. The
	// client leaves such a node until it is healthy again, so they are of use together with Health.
	WrongNode []int `yaml:"wrongNode,omitempty"`
	// TLS, if set, encrypts the connections.
	TLS *TLS `yaml:"tls,omitempty"`
	// ConnectTimeout bounds a new connection with its health check. Zero means 1s.
	ConnectTimeout time.Duration `yaml:"connectTimeout,omitempty"`
}

// Health is a request that tells whether a node serves.
type Health struct {
	// Path is requested by GET.
	Path string `yaml:"path"`
	// OK lists the statuses of a node that serves. Empty means 200 and 204.
	OK []int `yaml:"ok,omitempty"`
}

func (h *Health) ok() []int {
	if len(h.OK) == 0 {
		return []int{200, 204}
	}
	return h.OK
}

// Operation is the request for one kind of operation, and what its answers mean. Path, Body and Headers are
// templates: {{.Key}}, {{.Value}}, {{.Expect}}, {{.From}}, {{.To}}, {{.Amount}}, {{.Set}} and {{.Secret}}. In Path they
// are escaped; in Body and Headers {{json .Value}} quotes one for JSON and {{base64 .Value}} encodes it.
type Operation struct {
	// Method is GET, PUT and so on. Empty means GET for reads and POST for the others.
	Method string `yaml:"method,omitempty"`
	// Path begins with a slash and may have a query.
	Path string `yaml:"path"`
	// Body is sent as it is rendered.
	Body string `yaml:"body,omitempty"`
	// Headers are sent in addition to those of all requests, and instead of those with the same name.
	Headers map[string]string `yaml:"headers,omitempty"`
	// OK lists the statuses that acknowledge the operation. Empty means 200, 201 and 204.
	OK []int `yaml:"ok,omitempty"`
	// Failed lists the statuses that prove that the operation had no effect and will have none.
	Failed []int `yaml:"failed,omitempty"`
	// Missing lists the statuses of a read which say that nothing is there. Empty means 404.
	Missing []int `yaml:"missing,omitempty"`
	// NotApplied lists the statuses of a cas that found another value, or of a transfer that was refused.
	NotApplied []int `yaml:"notApplied,omitempty"`
	// Answer says where in a JSON body the value of a read is, such as value or items.*.name: names and numbers
	// with dots between them, and * for every element of a list. A dot alone is the whole document. Empty means
	// the body as it is; the elements of a set or list are then its lines.
	Answer string `yaml:"answer,omitempty"`
	// Applied says where in a JSON body of a cas or transfer a truth value tells whether it was applied. Empty means
	// that the status tells.
	Applied string `yaml:"applied,omitempty"`
	// Encoding is base64 where values are encoded so in answers.
	Encoding string `yaml:"encoding,omitempty"`
}

// TLS says whom to trust.
type TLS struct {
	// CA is a file of certificates in PEM that sign those of the nodes. Empty means those of the machine.
	CA string `yaml:"ca,omitempty"`
	// ServerName is what the certificates of nodes are issued to. Empty means the node's name.
	ServerName string `yaml:"serverName,omitempty"`
	// SkipVerify accepts every certificate.
	SkipVerify bool `yaml:"skipVerify,omitempty"`
}

func (t *TLS) config() (*tls.Config, error) {
	if t == nil {
		return nil, nil
	}
	c := &tls.Config{ServerName: t.ServerName, InsecureSkipVerify: t.SkipVerify}
	if t.CA != "" {
		pem, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, protocols.FieldError{Field: "tls.ca", Message: err.Error()}
		}
		c.RootCAs = x509.NewCertPool()
		if !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, protocols.FieldError{Field: "tls.ca", Message: t.CA + " has no certificate in PEM"}
		}
	}
	return c, nil
}

// kinds lists the kinds of operation that can be said.
var kinds = []history.Kind{
	history.Read, history.Write, history.CAS, history.Add, history.SetRead, history.Append, history.Put, history.ListRead,
	history.Open, history.Transfer, history.Balances, history.Publish, history.Messages,
}

// Protocol returns the protocol with these settings.
func (s *Settings) Protocol() (protocols.Protocol, error) { return New(*s) }

// Validate returns a protocols.FieldError for the first setting that makes no sense.
func (s *Settings) Validate() error {
	if len(s.Operations) == 0 {
		return protocols.FieldError{Field: "operations", Message: "at least one operation is needed, such as read: {method: GET, path: /kv/{{.Key}}}"}
	}
	var known []string
	for _, k := range kinds {
		known = append(known, string(k))
	}
	var named []history.Kind
	for k := range s.Operations {
		named = append(named, k)
	}
	slices.Sort(named)
	for _, k := range named {
		field := "operations." + string(k)
		if !slices.Contains(kinds, k) {
			return protocols.FieldError{Field: field, Message: "an operation is one of " + strings.Join(known, ", "), Suggestion: suggest.Closest(string(k), known)}
		}
		if _, err := compile(k, s.Operations[k]); err != nil {
			err.Field = field + "." + err.Field
			return *err
		}
	}
	for name, value := range s.Headers {
		if err := protocols.CheckSecret("headers."+name, value); err != nil {
			return err
		}
	}
	if s.Health != nil && !strings.HasPrefix(s.Health.Path, "/") {
		return protocols.FieldError{Field: "health.path", Message: fmt.Sprintf("%q does not begin with a slash", s.Health.Path)}
	}
	if s.ConnectTimeout < 0 {
		return protocols.FieldError{Field: "connectTimeout", Message: "a time-out cannot be negative"}
	}
	if err := checkStatuses("wrongNode", s.WrongNode); err != nil {
		return *err
	}
	_, err := s.TLS.config()
	return err
}

func checkStatuses(field string, statuses []int) *protocols.FieldError {
	for _, n := range statuses {
		if n < 200 || n > 599 {
			return &protocols.FieldError{Field: field, Message: fmt.Sprintf("%d is no status of a final answer, which are 200 to 599", n)}
		}
	}
	return nil
}
