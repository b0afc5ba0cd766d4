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

// judgeEvery is how often the rules are looked at.
const judgeEvery = 250 * time.Millisecond

// Alert is a rule that has begun or ceased to hold for something.
type Alert struct {
	Rule     string    `json:"rule"`
	About    string    `json:"about"` // a node or a region
	Says     string    `json:"says"`
	Resolved bool      `json:"resolved"`
	From     string    `json:"from"` // the node that tells
	At       time.Time `json:"at"`
}

// Sink is where alerts go. It must not block for long: each sink is told in turn.
type Sink func(ctx context.Context, a Alert) error

// Alerts raises alerts while this node leads. All fields but Sinks are needed.
type Alerts struct {
	Node    string
	Leads   func() (term uint64, ok bool)
	Picture func() Picture // without Now and Since
	Sinks   []Sink
	Log     *slog.Logger

	mu     sync.Mutex
	firing map[string]Alert
}

// Run judges the rules until ctx ends. A node that ceases to lead forgets its
// alerts; the next leader tells of those that still hold. Alerts are told in order.
func (a *Alerts) Run(ctx context.Context) {
	queue := make(chan Alert, 256)
	var telling sync.WaitGroup
	telling.Go(func() {
		for alert := range queue {
			a.tell(ctx, alert)
		}
	})
	defer telling.Wait()
	defer close(queue)
	var since time.Time
	tick := time.NewTicker(judgeEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		if _, leads := a.Leads(); !leads {
			since = time.Time{}
			a.set(nil)
			continue
		}
		if since.IsZero() {
			since = time.Now()
		}
		p := a.Picture()
		p.Now, p.Since = time.Now(), since
		for _, alert := range a.judge(p) {
			select {
			case queue <- alert:
			default:
				a.Log.Error("alert was not sent: the sinks are too slow", "rule", alert.Rule, "about", alert.About)
			}
		}
	}
}

// judge returns what has changed.
func (a *Alerts) judge(p Picture) (changed []Alert) {
	now := map[string]Alert{}
	for _, rule := range Rules() {
		for about, says := range rule.When(p) {
			now[rule.Name+"/"+about] = Alert{Rule: rule.Name, About: about, Says: says, From: a.Node, At: p.Now}
		}
	}
	was := a.set(now)
	for _, key := range slices.Sorted(maps.Keys(now)) {
		if _, known := was[key]; !known {
			changed = append(changed, now[key])
		}
	}
	for _, key := range slices.Sorted(maps.Keys(was)) {
		if _, still := now[key]; !still {
			over := was[key]
			over.Resolved, over.At = true, p.Now
			changed = append(changed, over)
		}
	}
	return changed
}

// set replaces what fires and returns what did.
func (a *Alerts) set(now map[string]Alert) (was map[string]Alert) {
	a.mu.Lock()
	defer a.mu.Unlock()
	was = a.firing
	for key, alert := range now {
		if old, known := was[key]; known {
			alert.At = old.At
			now[key] = alert
		}
	}
	a.firing = now
	return was
}

// Firing counts the alerts that hold, by rule.
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

func (a *Alerts) tell(ctx context.Context, alert Alert) {
	for _, sink := range a.Sinks {
		if err := sink(ctx, alert); err != nil && ctx.Err() == nil {
			a.Log.Error("alert was not delivered", "rule", alert.Rule, "about", alert.About, "error", err)
		}
	}
}

// ToLog is the sink that writes alerts to the node's log.
func ToLog(log *slog.Logger) Sink {
	return func(_ context.Context, a Alert) error {
		level, word := slog.LevelWarn, "alert"
		if a.Resolved {
			level, word = slog.LevelInfo, "alert resolved"
		}
		log.Log(context.Background(), level, word, "rule", a.Rule, "about", a.About, "says", a.Says)
		return nil
	}
}

const (
	webhookLimit    = 2 * time.Second // for one attempt
	webhookAttempts = 3
)

// ToWebhook is the sink that posts alerts as JSON to a URL, up to three times until one
// is answered with a status of 2xx.
func ToWebhook(url string) Sink {
	hc := &http.Client{Timeout: webhookLimit}
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
		return fmt.Errorf("answered %s", r.Status)
	}
	return nil
}
