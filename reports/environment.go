package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// environment describes where the run took place: seed, topology, constants and versions.
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
	var regions []string
	for _, z := range r.Topology.RegionSpecs {
		regions = append(regions, fmt.Sprintf("%s (weight %d, %s)", clean(string(z.Region)), z.Weight, plural(len(r.Topology.NodesIn(z.Region)), "node")))
	}
	if len(regions) > 0 {
		out = append(out, fact{"regions", strings.Join(regions, ", "), false})
	}
	var latencies []string
	for _, d := range r.Topology.Latency {
		latencies = append(latencies, fmt.Sprintf("%s–%s %s", clean(string(d.A)), clean(string(d.B)), duration.OrNever(d.OneWay)))
	}
	if len(latencies) > 0 {
		out = append(out, fact{"one-way latency", strings.Join(latencies, ", "), false})
	}
	d := sloParamsOf(r)
	out = append(out, fact{"definitions", fmt.Sprintf("bucket %s, good when %s are OK within %s; outages merged below %s; stable after %s at %s of the baseline's throughput",
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

// replay lists the commands that repeat the run or judge it again.
func replay(r *record.Run) []fact {
	run := shell(clean(r.ID))
	again := "holdfast run " + shell(clean(r.Scenario))
	if r.Seed != 0 {
		again += fmt.Sprintf(" --seed %d", r.Seed)
	}
	return []fact{
		{"holdfast replay " + run, "runs the stored plan again on a new cluster", true},
		{"holdfast recheck " + run, "judges the stored history again with the present checks, without a cluster", true},
		{again, "resolves the scenario again with the same seed and runs it", true},
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
