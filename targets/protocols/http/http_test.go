package http_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/http"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// settings are for protocoltest.Store.
const settings = `
health: {path: /healthz}
operations:
  read: {path: "/kv/{{.Key}}"}
  write: {method: PUT, path: "/kv/{{.Key}}", body: "{{.Value}}"}
  cas: {method: PUT, path: "/kv/{{.Key}}?expect={{.Expect}}", body: "{{.Value}}", notApplied: [412]}
  add: {path: "/sets/{{.Key}}", body: "{{.Value}}"}
  members: {path: "/sets/{{.Key}}", answer: items}
  append: {path: "/lists/{{.Key}}", body: "{{.Value}}"}
  put: {method: PUT, path: "/lists/{{.Key}}", body: "{{.Value}}"}
  list: {path: "/lists/{{.Key}}", answer: items.*.value}
  open: {method: PUT, path: "/banks/{{.Key}}", body: '{"accounts": {{json .Set}}, "amount": {{.Amount}}}'}
  transfer: {path: "/banks/{{.Key}}", body: '{"from": {{json .From}}, "to": {{json .To}}, "amount": {{.Amount}}}', applied: done}
  balances: {path: "/banks/{{.Key}}"}
`

func decoded(t *testing.T, text string) http.Settings {
	t.Helper()
	var s http.Settings
	if err := yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict()); err != nil {
		t.Fatal(err)
	}
	return s
}

// subject is the protocol with a store that runs.
func subject(t *testing.T, text string) (protocoltest.Subject, *protocoltest.Store) {
	t.Helper()
	p, err := http.New(decoded(t, text))
	if err != nil {
		t.Fatal(err)
	}
	store := protocoltest.NewStore()
	server := httptest.NewServer(store)
	t.Cleanup(server.Close)
	endpoints, dial := protocoltest.Nodes(server.Listener.Addr().String(), "east-1", "east-2")
	return protocoltest.Subject{
		Protocol: p, Endpoints: endpoints, Dial: dial, Query: "GET /status role.name", Answer: "leader",
	}, store
}

func TestConformance(t *testing.T) {
	s, _ := subject(t, settings)
	protocoltest.Run(t, s)
}

func TestConformanceWithoutHealth(t *testing.T) {
	s, _ := subject(t, strings.Replace(settings, "health: {path: /healthz}", "", 1))
	protocoltest.Run(t, s)
}

// Each row orders a status from the server.
func TestStatuses(t *testing.T) {
	type want struct {
		outcome           history.Outcome
		rejected, applied bool
	}
	for name, tt := range map[string]struct {
		kind history.Kind
		path string
		want want
	}{
		"acknowledged":                   {history.Write, "/204", want{history.OK, false, false}},
		"listed as failed":               {history.Write, "/409", want{history.Failed, true, false}},
		"listed as the wrong node":       {history.Write, "/421", want{history.Failed, true, false}},
		"in no list":                     {history.Write, "/400", want{history.Unknown, false, false}},
		"a gateway's":                    {history.Write, "/503", want{history.Unknown, false, false}},
		"a redirect is not followed":     {history.Write, "/307/k", want{history.Unknown, false, false}},
		"a read in no list":              {history.Read, "/503", want{history.Failed, false, false}},
		"a read of what is not there":    {history.Read, "/404", want{history.OK, false, false}},
		"a read listed as failed":        {history.Read, "/409", want{history.Failed, true, false}},
		"a cas that was applied":         {history.CAS, "/200", want{history.OK, false, true}},
		"a cas that was not":             {history.CAS, "/412", want{history.OK, false, false}},
		"a cas in no list":               {history.CAS, "/500", want{history.Unknown, false, false}},
		"a cas that is not there either": {history.CAS, "/404", want{history.Unknown, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			extra := ""
			if tt.kind == history.CAS {
				extra = ", notApplied: [412]"
			}
			s, store := subject(t, "wrongNode: [421]\noperations: {"+string(tt.kind)+": {path: "+tt.path+", failed: [409]"+extra+"}}")
			c, err := s.Protocol.Client(t.Context(), protocols.System{Endpoints: s.Endpoints, Dial: s.Dial}, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			got := c.Do(ctx, history.Op{Kind: tt.kind, Key: "k", Value: "1"})
			if g := (want{got.Outcome, got.Rejected, got.Applied}); g != tt.want {
				t.Errorf("got %+v (%s), want %+v", g, got.Error, tt.want)
			}
			if tt.kind != history.Read && store.Requests != 1 {
				t.Errorf("the server was sent %d requests, want 1", store.Requests)
			}
		})
	}
}

// A read whose value is not where the settings say must not pass for one of a register that was never written.
func TestAnswersThatAreNotAsDescribed(t *testing.T) {
	for _, where := range []string{"role.nmae", "role", "role.name.deeper", "*", "3"} {
		t.Run(where, func(t *testing.T) {
			s, _ := subject(t, "operations: {read: {path: /status, answer: '"+where+"'}, transfer: {path: /status, applied: '"+where+"'}}")
			c, err := s.Protocol.Client(t.Context(), protocols.System{Endpoints: s.Endpoints, Dial: s.Dial}, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if got := c.Do(t.Context(), history.Op{Kind: history.Read}); got.Outcome != history.Failed || got.Error == "" {
				t.Errorf("the read is %s (%s)", got.Outcome, got.Error)
			}
			if got := c.Do(t.Context(), history.Op{Kind: history.Transfer}); got.Outcome != history.Unknown || got.Applied {
				t.Errorf("the transfer is %s, applied %v", got.Outcome, got.Applied)
			}
		})
	}
}

func TestValidate(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                             "operations: at least one",
		`operations: {raed: {path: /}}`:  `operations.raed: an operation is one of`,
		`operations: {read: {path: kv}}`: `operations.read.path: "kv" does not begin with a slash`,
		`operations: {read: {path: "/{{.Kee}}"}}`:                   "operations.read.path:",
		`operations: {read: {path: "/{{"}}`:                         "operations.read.path:",
		`operations: {read: {path: /, ok: [200], failed: [200]}}`:   "operations.read.failed: status 200 is in ok too",
		`operations: {write: {path: /, missing: [404]}}`:            "operations.write.missing: only a read",
		`operations: {cas: {path: /}}`:                              "operations.cas.notApplied: say by which status",
		`operations: {read: {path: /, ok: [20]}}`:                   "operations.read.ok: 20 is no status",
		`operations: {read: {path: /, encoding: bas64}}`:            `did you mean "base64"?`,
		"health: {path: x}\noperations: {read: {path: /}}":          "health.path:",
		"headers: {A: '{{.Scret}}'}\noperations: {read: {path: /}}": "headers.A:",
		"tls: {ca: /no/such/file}\noperations: {read: {path: /}}":   "tls.ca:",
		"wrongNode: [100]\noperations: {read: {path: /}}":           "wrongNode: 100 is no status",
		"connectTimeout: -1s\noperations: {read: {path: /}}":        "connectTimeout:",
	} {
		s := decoded(t, text)
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v, want %q", text, err, want)
		}
	}
}
