package faults_test

import (
	"encoding/json"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/faults"
)

func TestRate(t *testing.T) {
	for _, c := range []struct {
		in   string
		want faults.Rate
		out  string
	}{
		{"64KB/s", 64_000, "64KB/s"},
		{"1.5MB/s", 1_500_000, "1500KB/s"},
		{"2 GB/s", 2_000_000_000, "2GB/s"},
		{"800B/s", 800, "800B/s"},
		{"0B/s", 0, "0B/s"},
	} {
		got, err := faults.ParseRate(c.in)
		if err != nil || got != c.want || got.String() != c.out {
			t.Errorf("ParseRate(%q) = %v (%d), %v; want %s (%d)", c.in, got, got, err, c.out, c.want)
		}
	}
	for _, bad := range []string{"", "64", "64kb/s", "64KB", "-1KB/s", "NaNB/s", "InfGB/s", "1e300GB/s", "KB/s"} {
		if got, err := faults.ParseRate(bad); err == nil {
			t.Errorf("ParseRate(%q) = %v, want an error", bad, got)
		}
	}
}

func TestSize(t *testing.T) {
	for in, want := range map[string]faults.Size{"64KB": 64_000, "1.5MB": 1_500_000, "800B": 800, "2 GB": 2_000_000_000} {
		got, err := faults.ParseSize(in)
		if err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", in, got, err, want)
		}
		if again, err := faults.ParseSize(got.String()); err != nil || again != got {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", got, again, err, got)
		}
	}
	for _, bad := range []string{"", "64", "64kb", "64KB/s", "-1KB", "KB"} {
		if got, err := faults.ParseSize(bad); err == nil {
			t.Errorf("ParseSize(%q) = %v, want an error", bad, got)
		}
	}
}

func TestNewSuggestsTheClosest(t *testing.T) {
	_, err := faults.New("pawse")
	want := faults.InvalidField{
		Field: "fault", Message: `"pawse" is none of latency, bandwidth, loss, slice, slow-close, partition, isolate, flap, stall, reset-after, thundering-herd, kill, pause, signal, crash-loop, restart, replace, wipe, throttle, memory, slow-disk, disk-full, disk-errors, power-loss, corrupt`, Suggestion: "pause",
	}
	var got faults.InvalidField
	if !errors.As(err, &got) || got != want {
		t.Errorf("New(pawse): %#v, want %#v", err, want)
	}
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		fault faults.Validator
		field string // at fault, "" when all is well
	}{
		{&faults.Latency{Delay: time.Second, Jitter: time.Second}, ""},
		{&faults.Latency{}, "delay"},
		{&faults.Latency{Delay: -1}, "delay"},
		{&faults.Latency{Delay: math.MaxInt64}, "delay"},
		{&faults.Latency{Delay: time.Second, Jitter: 2 * time.Second}, "jitter"},
		{&faults.Latency{Delay: time.Second, Direction: "up"}, "direction"},
		{&faults.Latency{Delay: time.Second, Distribution: links.Normal}, "distribution"},
		{&faults.Latency{Delay: time.Second, Jitter: time.Second, Distribution: "gauss"}, "distribution"},
		{&faults.Latency{Delay: time.Second, Jitter: time.Second, Distribution: links.Pareto}, ""},
		{&faults.Partition{ClientsOnly: true, Direction: faults.From, Mode: links.Refuse}, "direction"},
		{&faults.Partition{ClientsOnly: true, Direction: faults.From}, ""},
		{&faults.Loss{Percent: 10}, ""},
		{&faults.Loss{}, "percent"},
		{&faults.Loss{Percent: math.NaN()}, "percent"},
		{&faults.Loss{Percent: 90}, "percent"},
		{&faults.Loss{Percent: 10, Retransmit: time.Millisecond}, "retransmit"},
		{&faults.Loss{Percent: 10, Direction: "up"}, "direction"},
		{&faults.Slice{Size: 100}, ""},
		{&faults.Slice{}, "size"},
		{&faults.Slice{Size: 100, Delay: time.Minute}, "delay"},
		{&faults.SlowClose{Delay: time.Second}, ""},
		{&faults.SlowClose{}, "delay"},
		{&faults.Stall{After: 100}, ""},
		{&faults.Stall{}, "after"},
		{&faults.ResetAfter{After: 100}, ""},
		{&faults.ResetAfter{After: -1}, "after"},
		{&faults.ResetAfter{After: 100, Direction: "up"}, "direction"},
		{&faults.Flap{}, ""},
		{&faults.Flap{Down: time.Millisecond}, "down"},
		{&faults.Flap{Up: time.Hour}, "up"},
		{&faults.Flap{Mode: "drop"}, "mode"},
		{&faults.Bandwidth{Rate: 1000}, ""},
		{&faults.Bandwidth{Rate: 999}, "rate"},
		{&faults.Bandwidth{Rate: 1000, Direction: "bth"}, "direction"},
		{&faults.Partition{}, ""},
		{&faults.Partition{Mode: "drop"}, "mode"},
		{&faults.Partition{Direction: "out"}, "direction"},
		{&faults.Isolate{Mode: "hold", Clients: true}, ""},
		{&faults.Isolate{Mode: "held"}, "mode"},
		{&faults.Corrupt{Kind: "torn"}, ""},
		{&faults.Corrupt{}, "kind"},
		{&faults.Corrupt{Kind: "flip", Files: "[a"}, "files"},
		{&faults.Signal{Signal: "SIGQUIT"}, ""},
		{&faults.Signal{}, "signal"},
		{&faults.Signal{Signal: "SIGKILL"}, "signal"},
		{&faults.Signal{Signal: "QUIT"}, "signal"},
		{&faults.CrashLoop{}, ""},
		{&faults.CrashLoop{Up: time.Millisecond}, "up"},
		{&faults.Memory{Headroom: 8_000_000}, ""},
		{&faults.SlowDisk{Delay: time.Second}, ""},
		{&faults.SlowDisk{}, "delay"},
		{&faults.SlowDisk{Delay: time.Hour}, "delay"},
		{&faults.DiskErrors{Percent: 100}, ""},
		{&faults.DiskErrors{}, "percent"},
		{&faults.DiskErrors{Percent: math.NaN()}, "percent"},
		{&faults.Memory{}, "headroom"},
		{&faults.Memory{Headroom: 8}, "headroom"},
		{&faults.Throttle{CPU: 0.1}, ""},
		{&faults.Throttle{}, "cpu"},
		{&faults.Throttle{CPU: math.Inf(1)}, "cpu"},
	} {
		err := c.fault.Validate()
		var wrong faults.InvalidField
		if errors.As(err, &wrong); wrong.Field != c.field || (err == nil) != (c.field == "") {
			t.Errorf("%+v: %v, want a complaint about %q", c.fault, err, c.field)
		}
	}
}

// A plan stores settings as JSON, and a replay reads them.
func TestSettingsSurviveJSON(t *testing.T) {
	given := map[string]faults.Fault{
		"latency":         &faults.Latency{Delay: time.Second, Jitter: time.Millisecond, Distribution: links.Normal, Direction: faults.To, Clients: true},
		"bandwidth":       &faults.Bandwidth{Rate: 64_000, Direction: faults.From},
		"loss":            &faults.Loss{Percent: 12.5, Retransmit: time.Second, Direction: faults.To, ClientsOnly: true},
		"slice":           &faults.Slice{Size: 64, Delay: time.Millisecond, Direction: faults.From, Clients: true},
		"slow-close":      &faults.SlowClose{Delay: time.Second, ClientsOnly: true},
		"flap":            &faults.Flap{Down: time.Second, Up: 2 * time.Second, Mode: "refuse", Clients: true},
		"stall":           &faults.Stall{After: 64_000, Direction: faults.To},
		"reset-after":     &faults.ResetAfter{After: 1500, Clients: true},
		"thundering-herd": &faults.ThunderingHerd{},
		"partition":       &faults.Partition{Mode: "refuse", Direction: faults.To, Clients: true},
		"isolate":         &faults.Isolate{Clients: true, Mode: "reset"},
		"kill":            &faults.Kill{},
		"pause":           &faults.Pause{},
		"slow-disk":       &faults.SlowDisk{Delay: 200 * time.Millisecond},
		"disk-full":       &faults.DiskFull{},
		"disk-errors":     &faults.DiskErrors{Percent: 12.5},
		"power-loss":      &faults.PowerLoss{},
		"signal":          &faults.Signal{Signal: "SIGQUIT"},
		"crash-loop":      &faults.CrashLoop{Up: 3 * time.Second},
		"restart":         &faults.Restart{},
		"memory":          &faults.Memory{Headroom: 8_000_000},
		"throttle":        &faults.Throttle{CPU: 0.1},
		"replace":         &faults.Replace{},
		"wipe":            &faults.Wipe{},
		"corrupt":         &faults.Corrupt{Kind: "flip", Files: "*.log"},
	}
	for _, e := range faults.Catalogue() {
		want, ok := given[e.Name]
		if !ok {
			t.Errorf("%s has no case here", e.Name)
			continue
		}
		b, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		got := e.New()
		if err := json.Unmarshal(b, got); err != nil {
			t.Errorf("%s: %v", e.Name, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s through %s (-want +got):\n%s", e.Name, b, diff)
		}
	}
}
