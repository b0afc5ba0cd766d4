package settings_test

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
)

// A watcher that moves between two servers gets every change exactly once and in order,
// although most changes happen while it is at the other server.
func TestAWatchContinuesAtAnotherServerWithoutAGap(t *testing.T) {
	p := newPlatform(t, "a", "b")
	const changes = 60
	var got []uint64
	after := uint64(0)
	for round := 0; after < changes; round++ {
		for range 7 { // some while there is no watch, and some during one
			if p.index < changes {
				p.put(fmt.Sprint("k", p.index%3), fmt.Sprint(p.index))
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		w, err := p.client([]string{"a", "b"}[round%2]).Watch(ctx, &api.SettingWatch{After: max(after, 1)})
		if err != nil {
			t.Fatal(err)
		}
		for received := 0; received < 5 && after < p.index; {
			n, err := w.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if n.Whole {
				t.Fatal("a watcher that missed a few changes gets everything again")
			}
			for _, c := range n.Changes {
				got = append(got, c.Revision)
				received++
			}
			after = max(after, n.Origin.Revision)
			if p.index < changes && received < 5 {
				p.put("meanwhile", fmt.Sprint(p.index))
			}
		}
		cancel()
	}
	want := []uint64{}
	for r := uint64(2); r <= changes; r++ {
		want = append(want, r)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes after the first (-want +got):\n%s", diff)
	}
}

func open(t *testing.T, p *platform, cfg client.SettingsConfig) *client.Settings {
	t.Helper()
	cfg.Conn = p.pool.To
	if cfg.Servers == nil {
		cfg.Servers = []string{"a", "b", "c"}
	}
	s, err := client.OpenSettings(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestWhereTheSettingsComeFrom(t *testing.T) {
	for name, c := range map[string]struct {
		dead, cut []string
		saved     bool // whether there is a copy on disk
		want      client.Copy
	}{
		"all is well":                                    {want: client.Copy{Source: client.Primary, Server: "a", Revision: 2}},
		"the primary is down":                            {dead: []string{"a"}, want: client.Copy{Source: client.Backup, Server: "b", Revision: 2}},
		"only the last backup is up":                     {dead: []string{"a", "b"}, want: client.Copy{Source: client.Backup, Server: "c", Revision: 2}},
		"the primary is cut off":                         {cut: []string{"a"}, want: client.Copy{Source: client.Backup, Server: "b", Revision: 2}},
		"all are cut off":                                {cut: []string{"a", "b", "c"}, want: client.Copy{Source: client.Primary, Server: "a", Revision: 2, Stale: true}},
		"one is cut off, the others are down":            {dead: []string{"a", "c"}, cut: []string{"b"}, want: client.Copy{Source: client.Backup, Server: "b", Revision: 2, Stale: true}},
		"a config server takes precedence":               {dead: []string{"a"}, saved: true, want: client.Copy{Source: client.Backup, Server: "b", Revision: 2}},
		"no config server answers, and there is a copy":  {dead: []string{"a", "b", "c"}, saved: true, want: client.Copy{Source: client.Disk, Revision: 1}},
		"no config server answers, and there is no copy": {dead: []string{"a", "b", "c"}, want: client.Copy{Source: client.Default}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlatform(t, "a", "b", "c")
			file := filepath.Join(t.TempDir(), "settings")
			p.put("x", "1")
			if c.saved {
				s, err := client.OpenSettings(t.Context(), client.SettingsConfig{Conn: p.pool.To, Servers: []string{"a"}, CacheFile: file})
				if err != nil {
					t.Fatal(err)
				}
				s.Close()
			}
			p.put("x", "2")
			for _, name := range c.dead {
				p.kill(name)
			}
			for _, name := range c.cut {
				p.servers[name].cut.Store(true)
			}
			got := open(t, p, client.SettingsConfig{CacheFile: file}).Copy()
			if c.want.Revision > 0 {
				c.want.Values = map[string]string{"x": fmt.Sprint(c.want.Revision)}
				if got.ConfirmedAt.IsZero() || got.Age() < 0 {
					t.Errorf("confirmed at %v, %v ago", got.ConfirmedAt, got.Age())
				}
			} else {
				c.want.Values = map[string]string{}
			}
			got.ConfirmedAt = c.want.ConfirmedAt
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("copy (-want +got):\n%s", diff)
			}
		})
	}
}

// Negative control: with the defect, a service does not start without the primary.
func TestTheDefectPrimaryOnly(t *testing.T) {
	t.Parallel()
	p := newPlatform(t, "a", "b")
	p.kill("a")
	file := filepath.Join(t.TempDir(), "settings")
	s, err := client.OpenSettings(t.Context(), client.SettingsConfig{Conn: p.pool.To, Servers: []string{"a", "b"}, CacheFile: file, Defects: client.SettingsDefects{PrimaryOnly: true}})
	if err == nil {
		s.Close()
		t.Fatal("the service started without the primary")
	}
}

// A running service follows the changes at whichever server answers, names that server, goes
// back to the primary when that is back, and misses no change.
func TestSettingsFollowTheServers(t *testing.T) {
	p := newPlatform(t, "a", "b")
	file := filepath.Join(t.TempDir(), "settings")
	var mu sync.Mutex
	var sources []client.Source
	s := open(t, p, client.SettingsConfig{Servers: []string{"a", "b"}, Prefix: "g/", CacheFile: file, OnChange: func(c client.Copy) {
		mu.Lock()
		defer mu.Unlock()
		if n := len(sources); n == 0 || sources[n-1] != c.Source {
			sources = append(sources, c.Source)
		}
	}})
	converged := func(want map[string]string, from client.Source) {
		t.Helper()
		await(t, fmt.Sprint(want, " from ", from), func() bool { c := s.Copy(); return cmp.Equal(want, c.Values) && c.Source == from })
	}
	p.put("g/x", "1")
	p.put("other", "1")
	converged(map[string]string{"g/x": "1"}, client.Primary)
	p.kill("a")
	p.put("g/y", "2")
	p.put("g/x", "")
	converged(map[string]string{"g/y": "2"}, client.Backup)
	p.kill("b")
	p.put("g/z", "3")
	p.put("g/y", "4")
	p.start("b")
	converged(map[string]string{"g/y": "4", "g/z": "3"}, client.Backup)
	p.start("a")
	converged(map[string]string{"g/y": "4", "g/z": "3"}, client.Primary)
	p.servers["a"].cut.Store(true)
	p.servers["a"].lagging = true
	p.put("g/z", "")
	converged(map[string]string{"g/y": "4"}, client.Backup)
	mu.Lock()
	defer mu.Unlock()
	if diff := cmp.Diff([]client.Source{client.Primary, client.Backup, client.Primary, client.Backup}, sources); diff != "" {
		t.Errorf("sources (-want +got):\n%s", diff)
	}
	s.Close()
	p.kill("a")
	p.kill("b")
	last := open(t, p, client.SettingsConfig{Servers: []string{"a", "b"}, Prefix: "g/", CacheFile: file}).Copy()
	if last.Source != client.Disk || !cmp.Equal(last.Values, map[string]string{"g/y": "4"}) {
		t.Errorf("on disk is %+v", last)
	}
}
