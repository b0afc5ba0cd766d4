package node

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/gateway"
	"github.com/mcp-resilience/holdfast/mcp/settings"
)

// dynamicSetting is a setting that a gateway lives by.
type dynamicSetting struct {
	key     string
	builtIn string                   // the value where the centre has none
	apply   func(value string) error // makes it so; an error leaves it as it was
}

// dynamicSettings lists all there are.
func (n *node) dynamicSettings() []dynamicSetting {
	return []dynamicSetting{
		{"gslb/ttl", "2s", n.setTTL},
		{"gateway/rate", formatRate(n.cfg.Profile.Limits.Gateway), n.setLimit(func(l *gateway.Limits) *float64 { return &l.Gateway })},
		{"gateway/client-rate", formatRate(n.cfg.Profile.Limits.Client), n.setLimit(func(l *gateway.Limits) *float64 { return &l.Client })},
	}
}

func (n *node) setTTL(value string) error {
	d, err := time.ParseDuration(value)
	if err != nil || d < time.Second || d > time.Hour || d%time.Second != 0 {
		return fmt.Errorf("%q is no whole number of seconds from 1s to 1h", value)
	}
	n.ttl.Store(uint32(d / time.Second))
	return nil
}

// setLimit sets one of the limits of how many calls a second users may make.
func (n *node) setLimit(which func(*gateway.Limits) *float64) func(value string) error {
	return func(value string) error {
		rate, err := strconv.ParseFloat(value, 64)
		if err != nil || rate < 0 || rate > 1e9 {
			return fmt.Errorf("%q is no number of calls a second from 0, which is no limit, to 1e9", value)
		}
		l := n.admission.Limits.Get()
		*which(&l) = rate
		n.admission.Limits.Set(l)
		return nil
	}
}

func formatRate(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// configure reads the settings of a gateway and keeps them up to date. It
// fails for want of a centre only under the defect.
func (n *node) configure(ctx context.Context) (_ stopFunc, err error) {
	if !n.cfg.has(nodespec.Gateway) || len(n.cfg.with(nodespec.Settings)) == 0 {
		return func() error { return nil }, nil
	}
	adopt := &settingsApplier{node: n, applied: map[string]string{}}
	s, err := client.OpenSettings(ctx, client.SettingsConfig{
		Conn: n.peers.To, Servers: n.centres(), CacheFile: filepath.Join(n.cfg.Data, "settings"), OnChange: adopt.apply,
		Defects: client.SettingsDefects{PrimaryOnly: n.cfg.defective(nodespec.ConfigNoFallback)},
	})
	if err != nil {
		return nil, err
	}
	n.settings.Store(s)
	return func() error {
		s.Close()
		return nil
	}, nil
}

// centres lists the configuration centres, those of the main region first,
// then region by region as traffic is weighted.
func (n *node) centres() []string {
	out := n.cfg.with(nodespec.Settings)
	slices.SortStableFunc(out, func(a, b string) int {
		x, y := n.cfg.Peers[a].Region, n.cfg.Peers[b].Region
		return cmp.Or(cmp.Compare(n.cfg.Weights[y], n.cfg.Weights[x]), cmp.Compare(x, y))
	})
	return out
}

// settingsApplier turns the knobs as copies come in, one after the other.
type settingsApplier struct {
	*node
	last    client.Copy
	applied map[string]string // by key, as they stand
}

// apply makes a copy's values count and says so, when it is from elsewhere than
// the last or has turned something.
func (a *settingsApplier) apply(c client.Copy) {
	news := c.Source != a.last.Source || c.Stale != a.last.Stale
	a.last = c
	fields := map[string]string{"source": string(c.Source), "revision": strconv.FormatUint(c.Revision, 10)}
	says := fmt.Sprintf("settings of revision %d from %s", c.Revision, c.Source)
	switch {
	case c.Server != "":
		fields["centre"] = c.Server
		says += ", " + c.Server
	case c.Source == client.Disk:
		fields["age"] = c.Age().Round(time.Millisecond).String()
		says += ", " + fields["age"] + " old"
	}
	if c.Stale {
		fields["stale"] = "true"
		says += ", which knows no leader"
	}
	if c.CacheErr != nil {
		says += "; the copy on disk: " + c.CacheErr.Error()
	}
	for _, k := range a.dynamicSettings() {
		value := cmp.Or(c.Values[k.key], k.builtIn)
		if was, ok := a.applied[k.key]; !ok || was != value {
			news = true
			a.applied[k.key] = value // also one that is refused: it is said once
			if err := k.apply(value); err != nil {
				says += fmt.Sprintf("; %s is left as it was: %v", k.key, err)
				continue
			}
		}
	}
	maps.Copy(fields, a.applied)
	if news {
		a.note(events.Configured, says, fields)
	}
}

// serveSettings registers the configuration centre, or on other nodes what
// tells which settings they go by.
func (n *node) serveSettings(to grpc.ServiceRegistrar, done <-chan struct{}) {
	s := &settings.Server{Name: n.cfg.Name, Router: n.gateway, Store: n.consensus, Centre: n.cfg.has(nodespec.Settings), Done: done}
	if !s.Centre {
		s.Held = func() settings.Copy {
			if held := n.settings.Load(); held != nil {
				return held
			}
			return nil
		}
	}
	api.RegisterSettingsServer(to, s)
}
