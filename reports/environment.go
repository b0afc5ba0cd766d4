package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// environment is where the run took place and what it was made of.
func environment(r *record.Run) []fact {
	why := ""
	if r.RuntimeReason != "" {
		why = " (" + clean(r.RuntimeReason) + ")"
	}
	out := []fact{
		{"run", clean(r.ID), true},
		{"started", r.Started.UTC().Format(time.RFC3339), false},
		{"scenario", clean(r.Scenario), false},
		{"target", clean(r.Target), false},
		{"runtime", clean(r.Runtime) + why, false},
		{"seed", fmt.Sprint(r.Seed), true},
		{"operations", count(len(r.Ops)), false},
	}
	var zones []string
	for _, z := range r.Topology.RegionSpecs {
		zones = append(zones, fmt.Sprintf("%s (weight %d, %s)", clean(string(z.Region)), z.Weight, plural(len(r.Topology.NodesIn(z.Region)), "node")))
	}
	if len(zones) > 0 {
		out = append(out, fact{"regions", strings.Join(zones, ", "), false})
	}
	var far []string
	for _, d := range r.Topology.Latency {
		far = append(far, fmt.Sprintf("%s–%s %s", clean(string(d.A)), clean(string(d.B)), duration.OrNever(d.OneWay)))
	}
	if len(far) > 0 {
		out = append(out, fact{"one-way latency", strings.Join(far, ", "), false})
	}
	d := definitionOf(r)
	out = append(out, fact{"definition", fmt.Sprintf("bucket %s, good when %s are OK within %s; outages merged below %s; stable after %s at %s of the baseline's throughput",
		duration.OrNever(d.Bucket), share(d.MinGood), duration.OrNever(d.Latency), duration.OrNever(d.Merge), duration.OrNever(d.Stable), share(d.MinThroughput)), false})
	keys := make([]string, 0, len(r.Versions))
	for k := range r.Versions {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		out = append(out, fact{clean(k), clean(r.Versions[k]), true})
	}
	return out
}

// replay is how to see it again.
func replay(r *record.Run) []fact {
	run := shell(clean(r.ID))
	again := "holdfast run " + shell(clean(r.Scenario))
	if r.Seed != 0 {
		again += fmt.Sprintf(" --seed %d", r.Seed)
	}
	return []fact{
		{"holdfast replay " + run, "runs the stored plan again on a new cluster", true},
		{"holdfast recheck " + run, "judges the stored history again with today's checks, without a cluster", true},
		{again, "resolves the scenario anew with the same seed and runs it", true},
	}
}

// shell quotes a word for a POSIX shell where it needs to be.
func shell(s string) string {
	plain := s != "" && !strings.HasPrefix(s, "-")
	for _, c := range s {
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.ContainsRune("-_./:", c)) {
			plain = false
		}
	}
	if plain {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
