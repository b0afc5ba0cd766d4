package reports

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
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
	d := judgedSLOParams(r)
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

// punctuality says how late the load was sent and how busy the machine was, and lists the interferences.
func punctuality(r *record.Run) (string, []string) {
	if r.Result == nil || r.Result.Lateness == nil {
		return "", nil
	}
	l := r.Result.Lateness
	out := fmt.Sprintf("%s of %s were sent more than %s after they were due; the 99th percentile is %s, the maximum %s.",
		count(l.Late), plural(l.Ops, "operation"), duration.OrNever(l.Limit), duration.OrNever(l.P99), duration.OrNever(l.Max))
	if n := len(r.Machine); n > 0 {
		busy, pressure, engine := make([]float64, n), make([]float64, n), time.Duration(0)
		for i, m := range r.Machine {
			busy[i], pressure[i], engine = m.Busy, m.CPUPressure, max(engine, m.Engine)
		}
		slices.Sort(busy)
		slices.Sort(pressure)
		out += fmt.Sprintf(" The processors were busy for %s of the time (median of %s; at most %s), and tasks waited for one for %s (at most %s).",
			share(busy[n/2]), plural(n, "sample"), share(busy[n-1]), share(pressure[n/2]), share(pressure[n-1]))
		if engine > 0 {
			out += fmt.Sprintf(" The container engine answered within %s.", duration.OrNever(engine))
		}
	}
	out += busiestSandbox(r.Machine)
	var windows []string
	for _, i := range l.Interference {
		windows = append(windows, fmt.Sprintf("%s: %s", clean(string(i.Cause)), clean(i.Description)))
	}
	return out, windows
}

// busiestSandbox says which sandbox used most of the processors and which waited longest for one; it is empty where they
// were not measured.
func busiestSandbox(samples []record.MachineSample) string {
	var busiest, starved topology.NodeID
	cpu, waited, n := 0.0, 0.0, 0
	for _, m := range samples {
		for _, id := range slices.Sorted(maps.Keys(m.Sandboxes)) {
			s := m.Sandboxes[id]
			n++
			if s.CPU > cpu || busiest == "" {
				busiest, cpu = id, s.CPU
			}
			if s.Waited > waited {
				starved, waited = id, s.Waited
			}
		}
	}
	if n == 0 {
		return ""
	}
	out := fmt.Sprintf(" Of the link proxies that of %s used most, %.2f processors at most", clean(string(busiest)), cpu)
	if starved != "" {
		out += fmt.Sprintf("; the threads of %s waited longest for one, %s of the time at most", clean(string(starved)), share(min(1, waited)))
	}
	return out + "."
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
