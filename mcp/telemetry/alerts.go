package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// evaluationInterval is how often the rules are evaluated.
const evaluationInterval = 250 * time.Millisecond

// Alert is a rule that has begun or ceased to hold for a subject.
type Alert struct {
	Rule        string    `json:"rule"`
	Subject     string    `json:"about"` // a node or a region
	Description string    `json:"says"`
	Resolved    bool      `json:"resolved"`
	Node        string    `json:"from"` // the leader that raised it
	At          time.Time `json:"at"`
}

// Sink delivers alerts. It must not block for long, because the sinks are called in turn.
type Sink func(ctx context.Context, a Alert) error

// Alerts raises alerts while this node leads. All fields but Sinks are required.
type Alerts struct {
	Node  string
	Leads func() (term uint64, ok bool)
	View  func() ClusterView // Now and Since are not set
	Sinks []Sink
	Log   *slog.Logger

	mu     sync.Mutex
	firing map[string]Alert
}

// Run evaluates the rules until ctx ends. A node that ceases to lead forgets its alerts, and
// the next leader raises those that still hold. Alerts are delivered in order.
func (a *Alerts) Run(ctx context.Context) {
	queue := make(chan Alert, 256)
	var delivery sync.WaitGroup
	delivery.Go(func() {
		for alert := range queue {
			a.deliver(ctx, alert)
		}
	})
	defer delivery.Wait()
	defer close(queue)
	var since time.Time
	tick := time.NewTicker(evaluationInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, leads := a.Leads(); !leads {
			since = time.Time{}
			a.replaceFiring(nil)
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		p := a.View()
		p.Now, p.Since = time.Now(), since
		for _, alert := range a.evaluate(p) {
			select {
			case queue <- alert:
			default:
				a.Log.Error("an alert was dropped, because the sinks are too slow", "rule", alert.Rule, "subject", alert.Subject)
			}
		}
	}
}

// evaluate returns the alerts that have changed.
func (a *Alerts) evaluate(p ClusterView) (changed []Alert) {
	now := map[string]Alert{}
	for _, rule := range Rules() {
		for subject, description := range rule.Evaluate(p) {
			now[rule.Name+"/"+subject] = Alert{Rule: rule.Name, Subject: subject, Description: description, Node: a.Node, At: p.Now}
		}
	}
	before := a.replaceFiring(now)
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if _, firing := before[key]; !firing {
			changed = append(changed, now[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, firing := now[key]; !firing {
			resolved := before[key]
			resolved.Resolved, resolved.At = true, p.Now
			changed = append(changed, resolved)
		}
	}
	return changed
}

// replaceFiring replaces the firing alerts and returns those from before. An alert that
// goes on firing keeps its time.
func (a *Alerts) replaceFiring(now map[string]Alert) (before map[string]Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	before = a.firing
	for key, alert := range now {
		if old, firing := before[key]; firing {
			alert.At = old.At
			now[key] = alert
		}
	}
	a.firing = now
	return before
}

// Firing returns the number of firing alerts, by rule.
func (a *Alerts) Firing() map[string]float64 {
	out := map[string]float64{}
	for _, r := range Rules() {
		out[r.Name] = 0
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, alert := range a.firing {
		out[alert.Rule]++
	}
	return out
}

func (a *Alerts) deliver(ctx context.Context, alert Alert) {
	for _, sink := range a.Sinks {
		if err := sink(ctx, alert); err != nil && ctx.Err() == nil {
			a.Log.Error("an alert was not delivered", "rule", alert.Rule, "subject", alert.Subject, "error", err)
		}
	}
}

// LogSink writes alerts to the node's log.
func LogSink(log *slog.Logger) Sink {
	return func(_ context.Context, a Alert) error {
		level, message := slog.LevelWarn, "alert"
		if a.Resolved {
			level, message = slog.LevelInfo, "alert resolved"
		}
		log.Log(context.Background(), level, message, "rule", a.Rule, "subject", a.Subject, "description", a.Description)
		return nil
	}
}

const (
	webhookTimeout  = 2 * time.Second // of one attempt
	webhookAttempts = 3
)

// WebhookSink posts alerts as JSON to a URL, up to three times, until the answer is a 2xx
// status.
func WebhookSink(url string) Sink {
	hc := &http.Client{Timeout: webhookTimeout}
	return func(ctx context.Context, a Alert) (err error) {
		body, err := json.Marshal(a)
		if err != nil {
			return fmt.Errorf("alert webhook: %w", err)
		}
		for i := range webhookAttempts {
			if err = post(ctx, hc, url, body); err == nil {
				return nil
			}
			select {
			case <-time.After(time.Duration(i+1) * 100 * time.Millisecond):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return fmt.Errorf("alert webhook %s: %w", url, err)
	}
}

func post(ctx context.Context, hc *http.Client, url string, body []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	r, err := hc.Do(req)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if r.StatusCode/100 != 2 {
		return fmt.Errorf("the webhook answered %s", r.Status)
	}
	return nil
}
