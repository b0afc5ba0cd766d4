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

// dynamicSetting is a setting of the config servers that a gateway applies while it runs.
type dynamicSetting struct {
	key     string
	builtIn string                   // the value while the config servers have none
	apply   func(value string) error // an error leaves the value before in force
}

// dynamicSettings returns all of them.
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
		return fmt.Errorf("%q is not a whole number of seconds from 1s to 1h", value)
	}
	n.ttl.Store(uint32(d / time.Second))
	return nil
}

// setLimit sets one of the limits of users' calls a second.
func (n *node) setLimit(which func(*gateway.Limits) *float64) func(value string) error {
	return func(value string) error {
		rate, err := strconv.ParseFloat(value, 64)
		if err != nil || rate < 0 || rate > 1e9 {
			return fmt.Errorf("%q is not a number of calls a second from 0, which means no limit, to 1e9", value)
		}
		l := n.admission.Limits.Get()
		*which(&l) = rate
		n.admission.Limits.Set(l)
		return nil
	}
}

func formatRate(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// configure reads the settings of a gateway and keeps them up to date. Only with the
// defect config-no-fallback does it fail when no config server answers.
func (n *node) configure(ctx context.Context) (_ stopFunc, err error) {
	if !n.cfg.has(nodespec.Gateway) || len(n.cfg.with(nodespec.Settings)) == 0 {
		return func() error { return nil }, nil
	}
	applier := &settingsApplier{node: n, applied: map[string]string{}}
	s, err := client.OpenSettings(ctx, client.SettingsConfig{
		Conn: n.peers.To, Servers: n.configServers(), CacheFile: filepath.Join(n.cfg.Data, "settings"), OnChange: applier.apply,
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

// configServers returns the nodes that have the role of config server: those of the main region first,
// then those of the other regions by weight.
func (n *node) configServers() []string {
	out := n.cfg.with(nodespec.Settings)
	slices.SortStableFunc(out, func(a, b string) int {
		x, y := n.cfg.Peers[a].Region, n.cfg.Peers[b].Region
		return cmp.Or(cmp.Compare(n.cfg.Weights[y], n.cfg.Weights[x]), cmp.Compare(x, y))
	})
	return out
}

// settingsApplier applies settings as new copies of them arrive, one after the other.
type settingsApplier struct {
	*node
	last    client.Copy
	applied map[string]string // values by key
}

// apply applies the values of a copy. It notes an event if the copy comes from another
// source than the last one, or changed a value.
func (a *settingsApplier) apply(c client.Copy) {
	changed := c.Source != a.last.Source || c.Stale != a.last.Stale
	a.last = c
	fields := map[string]string{"source": string(c.Source), "revision": strconv.FormatUint(c.Revision, 10)}
	description := fmt.Sprintf("settings of revision %d from %s", c.Revision, c.Source)
	switch {
	case c.Server != "":
		fields["centre"] = c.Server
		description += ", " + c.Server
	case c.Source == client.Disk:
		fields["age"] = c.Age().Round(time.Millisecond).String()
		description += ", " + fields["age"] + " old"
	}
	if c.Stale {
		fields["stale"] = "true"
		description += ", which knows no leader"
	}
	if c.CacheErr != nil {
		description += "; the copy on disk: " + c.CacheErr.Error()
	}
	for _, k := range a.dynamicSettings() {
		value := cmp.Or(c.Values[k.key], k.builtIn)
		if was, ok := a.applied[k.key]; !ok || was != value {
			changed = true
			a.applied[k.key] = value // an invalid one too, so that it is reported only once
			if err := k.apply(value); err != nil {
				description += fmt.Sprintf("; %s keeps its value: %v", k.key, err)
				continue
			}
		}
	}
	maps.Copy(fields, a.applied)
	if changed {
		a.note(events.Configured, description, fields)
	}
}

// serveSettings registers the config server, or on other nodes the service that
// returns the settings they apply.
func (n *node) serveSettings(to grpc.ServiceRegistrar, done <-chan struct{}) {
	s := &settings.Server{Name: n.cfg.Name, Router: n.gateway, Store: n.consensus, IsConfigServer: n.cfg.has(nodespec.Settings), Done: done}
	if !s.IsConfigServer {
		s.LocalCopy = func() settings.Copy {
			if held := n.settings.Load(); held != nil {
				return held
			}
			return nil
		}
	}
	api.RegisterSettingsServer(to, s)
}
