package telemetry

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var (
	began = time.Unix(1000, 0)
	nodes = map[string]string{"east-1": "east", "east-2": "east", "north-1": "north"}
)

// healthy is a view in which no rule holds.
func healthy() ClusterView {
	p := ClusterView{Now: began.Add(time.Minute), Since: began, Nodes: nodes, Applied: 20_000, Suspects: map[string][]string{"east-1": nil}}
	p.Reports = map[string]Received{}
	for n := range nodes {
		p.Reports[n] = Received{&api.HealthReport{Node: n, Applied: 19_990}, p.Now.Add(-time.Second)}
	}
	return p
}

func TestRules(t *testing.T) {
	for _, tc := range []struct {
		name string
		edit func(*ClusterView)
		want map[string]string // by rule/subject
	}{
		{"all is well", func(*ClusterView) {}, nil},
		{"three failed probes", func(p *ClusterView) {
			p.Suspects = map[string][]string{"north-1": {"east-2"}, "east-1": {"east-2"}}
		}, map[string]string{"probes-failed/east-2": "east-2 does not answer east-1, north-1"}},
		{
			"a node is lost", func(p *ClusterView) { p.Lost = []string{"east-2"} },
			map[string]string{"node-lost/east-2": "east-2 in east is lost"},
		},
		{"a region is lost", func(p *ClusterView) { p.Lost = []string{"east-1", "east-2"} }, map[string]string{
			"node-lost/east-1": "east-1 in east is lost", "node-lost/east-2": "east-2 in east is lost", "region-lost/east": "region east is lost",
		}},
		{"a report is late", func(p *ClusterView) {
			p.Reports["east-2"] = Received{&api.HealthReport{Applied: 20_000}, p.Now.Add(-20 * time.Second)}
		}, map[string]string{"silent/east-2": "east-2 has not reported for 20s"}},
		{
			"no report since this node leads", func(p *ClusterView) { delete(p.Reports, "east-2") },
			map[string]string{"silent/east-2": "east-2 has not reported for 1m0s"},
		},
		{"a new leader waits for reports", func(p *ClusterView) {
			p.Since = p.Now.Add(-silenceTimeout)
			p.Reports = nil
		}, nil},
		{"a node lags", func(p *ClusterView) {
			p.Reports["north-1"] = Received{&api.HealthReport{Applied: 9_000}, p.Now}
		}, map[string]string{"lagging/north-1": "north-1 is 11000 entries behind"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := healthy()
			tc.edit(&p)
			got := map[string]string{}
			for _, r := range Rules() {
				for subject, description := range r.Evaluate(p) {
					got[r.Name+"/"+subject] = description
				}
			}
			if len(got) == 0 {
				got = nil
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// An alert is raised when its condition begins to hold, and resolved when it ends.
func TestEachAlertIsRaisedOnce(t *testing.T) {
	a := &Alerts{Node: "east-1"}
	sick := healthy()
	sick.Lost = []string{"north-1"}
	var got []string
	for _, p := range []ClusterView{healthy(), sick, sick, healthy(), healthy()} {
		for _, alert := range a.evaluate(p) {
			word := "raised"
			if alert.Resolved {
				word = "resolved"
			}
			got = append(got, alert.Rule+" "+alert.Subject+" "+word)
		}
	}
	want := []string{"node-lost north-1 raised", "region-lost north raised", "node-lost north-1 resolved", "region-lost north resolved"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

// Only the leader raises alerts, to every sink and in order. A deposed leader forgets them.
func TestOnlyTheLeaderRaisesAlerts(t *testing.T) {
	var leads atomic.Bool
	received := make(chan Alert, 16)
	sick := healthy()
	sick.Lost = []string{"north-1"}
	a := &Alerts{
		Node: "east-1", Leads: func() (uint64, bool) { return 1, leads.Load() },
		View:  func() ClusterView { return ClusterView{Nodes: nodes, Lost: sick.Lost} },
		Sinks: []Sink{func(_ context.Context, al Alert) error { received <- al; return nil }},
		Log:   slog.New(slog.DiscardHandler),
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { a.Run(ctx); close(done) }()
	defer func() { cancel(); <-done }()
	select {
	case al := <-received:
		t.Fatalf("a follower raised %+v", al)
	case <-time.After(3 * evaluationInterval):
	}
	for range 2 { // the second term raises what still holds
		leads.Store(true)
		for _, want := range []string{"node-lost", "region-lost"} {
			if al := <-received; al.Rule != want || al.Resolved {
				t.Errorf("got %+v, want %s", al, want)
			}
		}
		if n := a.Firing()["node-lost"]; n != 1 {
			t.Errorf("%v node-lost alerts are firing, want 1", n)
		}
		leads.Store(false)
		for a.Firing()["node-lost"] != 0 {
			time.Sleep(10 * time.Millisecond)
		}
	}
}

func TestWebhook(t *testing.T) {
	for _, tc := range []struct {
		name     string
		failures int32
		want     string // of the error
	}{
		{"delivered", 0, ""},
		{"delivered at the last attempt", webhookAttempts - 1, ""},
		{"given up", webhookAttempts, "answered 503"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var calls atomic.Int32
			var got Alert
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) <= tc.failures {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				if err := json.NewDecoder(r.Body).Decode(&got); err != nil {
					t.Error(err)
				}
			}))
			defer srv.Close()
			defer http.DefaultClient.CloseIdleConnections()
			sent := Alert{Rule: "node-lost", Subject: "east-1", Description: "east-1 in east is lost", Node: "north-1", At: began.UTC()}
			err := WebhookSink(srv.URL)(t.Context(), sent)
			if (err == nil) != (tc.want == "") || (err != nil && !strings.Contains(err.Error(), tc.want)) {
				t.Fatalf("error %v, want %q", err, tc.want)
			}
			if err == nil {
				if d := cmp.Diff(sent, got); d != "" {
					t.Errorf("(-want +got)\n%s", d)
				}
			}
		})
	}
}
