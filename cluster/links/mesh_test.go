package links_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestBaseline(t *testing.T) {
	const oneWay = 20 * time.Millisecond
	w := open(t, topology.RegionLatency{A: "east", B: "north", OneWay: oneWay})
	matrix := w.Matrix(t.Context())
	var got []topology.Link
	for _, s := range matrix {
		got = append(got, s.Link)
		least := 2 * w.topology.OneWay(w.topology.RegionOf(s.Link.From), w.topology.RegionOf(topology.Endpoint{Node: s.Link.To}))
		if s.Err != nil || s.RTT < least {
			t.Errorf("%s: got %v, %v; want at least %v", s.Link, s.RTT, s.Err, least)
		}
	}
	if diff := cmp.Diff(w.topology.Links(), got); diff != "" {
		t.Errorf("links of the matrix (-want +got)\n%s", diff)
	}
}

// Latency is added to the flow it is for, and to no other.
func TestLatency(t *testing.T) {
	w := open(t)
	const added = 80 * time.Millisecond
	for _, flow := range []topology.Direction{topology.Upstream, topology.Downstream, topology.BothWays} {
		want := added
		if flow == topology.BothWays {
			want *= 2
		}
		for _, link := range []topology.Link{nodes, clients} {
			heal := w.apply(t, "slow", on(link, flow), links.Effect{Latency: added})
			if got := w.echo(t, link); got < want {
				t.Errorf("%s %s: got %v, want at least %v", link, flow, got, want)
			}
			heal()
		}
	}
	// Healed links and links without an effect: the best of some echoes, because the machine may be busy.
	heal := w.apply(t, "slow", on(nodes, topology.BothWays), links.Effect{Latency: added})
	for _, link := range []topology.Link{back, clients} {
		if got := w.best(t, link); got >= added {
			t.Errorf("%s, which has no effect on it: %v", link, got)
		}
	}
	heal()
	if got := w.best(t, nodes); got >= added {
		t.Errorf("healed: %v", got)
	}
}

// best is the quickest of up to 20 echoes, or the first below 10 ms.
func (w *world) best(t testing.TB, l topology.Link) time.Duration {
	t.Helper()
	best := time.Hour
	for range 20 {
		if best = min(best, w.echo(t, l)); best < 10*time.Millisecond {
			break
		}
	}
	return best
}

func TestRate(t *testing.T) {
	w := open(t)
	const n = 100_000
	heal := w.apply(t, "narrow", on(nodes, topology.Upstream), links.Effect{Rate: 4 * n})
	// The first piece, 10 ms worth, leaves at once.
	const least = 240 * time.Millisecond
	if s := w.Transfer(t.Context(), nodes, n); s.Err != nil || s.RTT < least {
		t.Errorf("%d bytes at %d a second: got %v, %v; want at least %v", n, 4*n, s.RTT, s.Err, least)
	}
	heal()
	best := time.Hour
	for range 20 {
		if s := w.Transfer(t.Context(), nodes, n); s.Err == nil {
			best = min(best, s.RTT)
		}
	}
	if best >= least {
		t.Errorf("healed: %d bytes took %v", n, best)
	}
}

// What several ids do to one link composes, and heals in any order.
func TestOverlap(t *testing.T) {
	w := open(t)
	const ms = time.Millisecond
	slow := func(d time.Duration) links.Effect { return links.Effect{Latency: d} }

	t.Run("latencies add", func(t *testing.T) {
		a := w.apply(t, "a", on(nodes, topology.Upstream), slow(40*ms))
		b := w.apply(t, "b", on(nodes, topology.BothWays), slow(60*ms))
		if got := w.echo(t, nodes); got < 160*ms {
			t.Errorf("a and b: %v", got)
		}
		a()
		if got := w.best(t, nodes); got < 120*ms || got >= 160*ms {
			t.Errorf("b: %v", got)
		}
		b()
		if got := w.best(t, nodes); got >= 40*ms {
			t.Errorf("none: %v", got)
		}
	})
	cuts := []links.Mode{links.Hold, links.Blackhole, links.Reset, links.Refuse} // each hides the ones before
	failures := map[links.Mode]links.ProbeFailure{links.Hold: links.Silent, links.Blackhole: links.Silent, links.Reset: links.WasReset, links.Refuse: links.Refused}
	failure := func() links.ProbeFailure {
		ctx, cancel := context.WithTimeout(t.Context(), 2*short)
		defer cancel()
		return links.ProbeFailureOf(w.Echo(ctx, nodes).Err)
	}
	for i, x := range cuts {
		for _, y := range cuts[i:] {
			for _, firstHealed := range []string{"x", "y"} {
				t.Run(string(x)+" and "+string(y)+", "+firstHealed+" heals first", func(t *testing.T) {
					healX := w.apply(t, "x", on(nodes, topology.BothWays), links.Effect{Cut: x})
					healY := w.apply(t, "y", on(nodes, topology.BothWays), links.Effect{Cut: y})
					if got := failure(); got != failures[y] {
						t.Errorf("both: got %q, want %q", got, failures[y])
					}
					last, remains := healY, y
					if firstHealed == "y" {
						healY()
						last, remains = healX, x
					} else {
						healX()
					}
					if got := failure(); got != failures[remains] {
						t.Errorf("%s remains: got %q, want %q", remains, got, failures[remains])
					}
					last()
					last() // again, to no effect
					w.echo(t, nodes)
				})
			}
		}
	}
	t.Run("a late heal removes no later effect of the same id", func(t *testing.T) {
		first := w.apply(t, "a", on(nodes, topology.BothWays), links.Effect{Cut: links.Refuse})
		first()
		second := w.apply(t, "a", on(nodes, topology.BothWays), links.Effect{Cut: links.Refuse})
		first()
		if got := failure(); got != links.Refused {
			t.Errorf("got %q, want %q", got, links.Refused)
		}
		second()
		w.echo(t, nodes)
	})
}

func TestNamesThatAreNotKnown(t *testing.T) {
	w := open(t)
	ctx := t.Context()
	apply := func(l topology.Link, f topology.Direction, e links.Effect) error {
		heal, err := w.ApplyEffect(ctx, "x", on(l, f), e)
		if err == nil {
			_ = heal(ctx)
		}
		return err
	}
	dial := func(from topology.Region, addr string) error {
		c, err := w.Dial(ctx, from, addr)
		if err == nil {
			_ = c.Close()
		}
		return err
	}
	far := topology.BothWays
	tests := map[string]struct {
		err  error
		want string
	}{
		"node":        {apply(topology.Link{From: topology.Endpoint{Node: "est-1"}, To: "north-1"}, far, links.Effect{}), `did you mean "east-1"?`},
		"to":          {apply(topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "nort-1"}, far, links.Effect{}), `did you mean "north-1"?`},
		"itself":      {apply(topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "east-1"}, far, links.Effect{}), "no link to itself"},
		"region":      {apply(topology.Link{From: topology.Endpoint{Clients: "nroth"}, To: "east-1"}, far, links.Effect{}), `did you mean "north"?`},
		"flow":        {apply(nodes, "sideways", links.Effect{}), "want upstream, downstream or both"},
		"mode":        {apply(nodes, far, links.Effect{Cut: "holt"}), `did you mean "hold"?`},
		"jitter":      {apply(nodes, far, links.Effect{Latency: 1, Jitter: 2}), "more than latency"},
		"dial node":   {dial("east", "north-2:7400"), `did you mean "north-1"?`},
		"dial region": {dial("eas", "north-1:7400"), `did you mean "east"?`},
		"dial port":   {dial("east", "north-1:7401"), "it has [7400 (api) 7007 (echo)]"},
		"dial shape":  {dial("east", "north-1"), "want NODE:PORT"},
		"echo":        {w.Echo(ctx, topology.Link{From: topology.Endpoint{Node: "x"}, To: "east-1"}).Err, "there is no node"},
	}
	for name, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want an error with %q", name, tt.err, tt.want)
		}
	}
	heal := w.apply(t, "x", on(nodes, far), links.Effect{})
	if err := apply(nodes, far, links.Effect{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("an id twice at a time: got %v", err)
	}
	heal()
}

func TestOpenSaysWhatIsMissing(t *testing.T) {
	top := topology.Topology{
		RegionSpecs: []topology.RegionSpec{{Region: "east"}},
		Nodes: []topology.Node{
			{ID: "east-1", Region: "east", Ports: []topology.Port{{Name: "api", Number: links.EchoNumber}}},
			{ID: "east-2", Region: "east"},
		},
	}
	err := links.New(top, []links.Server{{Node: "east-1"}}, nil).Open(t.Context())
	if err == nil {
		t.Fatal("opened")
	}
	for _, want := range []string{
		"node east-2 has no linkd", "no host that stands for east-2",
		"no ingress from east for port api", `are linkd's echo`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
