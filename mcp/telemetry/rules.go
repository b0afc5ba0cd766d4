package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// ClusterView is what the leader knows of the cluster when it evaluates the alert rules.
type ClusterView struct {
	Now      time.Time
	Since    time.Time           // when this node began to lead and to receive reports
	Nodes    map[string]string   // regions by node
	Suspects map[string][]string // the nodes that each reporter suspects after three failed probes
	Lost     []string            // the nodes that arbitration declared lost
	Applied  uint64              // the leader's log index
	Reports  map[string]Received // the latest report of each node
}

// Rule is a condition under which an alert is raised.
type Rule struct {
	Name        string
	Description string // one sentence for the manual
	// Evaluate returns the subjects (nodes or regions) for which the condition holds, with a
	// description of each case.
	Evaluate func(v ClusterView) map[string]string
}

const (
	silenceTimeout = 3 * reportInterval // after which a node without a report raises an alert
	maxLag         = 10_000             // log entries that a node may be behind
)

// Rules returns all rules.
func Rules() []Rule {
	return []Rule{
		{"probes-failed", "three probes of a node failed in a row", func(v ClusterView) map[string]string {
			reportersOf := map[string][]string{}
			for reporter, suspects := range v.Suspects {
				for _, s := range suspects {
					reportersOf[s] = append(reportersOf[s], reporter)
				}
			}
			out := map[string]string{}
			for node, reporters := range reportersOf {
				slices.Sort(reporters)
				out[node] = fmt.Sprintf("%s does not answer %s", node, strings.Join(reporters, ", "))
			}
			return out
		}},
		{"node-lost", "a majority of regions declared a node lost", func(v ClusterView) map[string]string {
			out := map[string]string{}
			for _, node := range v.Lost {
				out[node] = fmt.Sprintf("%s in %s is lost", node, v.Nodes[node])
			}
			return out
		}},
		{"region-lost", "every node of a region is lost", func(v ClusterView) map[string]string {
			alive := map[string]bool{}
			for node, region := range v.Nodes {
				alive[region] = alive[region] || !slices.Contains(v.Lost, node)
			}
			out := map[string]string{}
			for region, anyAlive := range alive {
				if !anyAlive {
					out[region] = "region " + region + " is lost"
				}
			}
			return out
		}},
		{"silent", fmt.Sprintf("a node has sent no health report for %v", silenceTimeout), func(v ClusterView) map[string]string {
			out := map[string]string{}
			for node := range v.Nodes {
				last := v.Since
				if r, ok := v.Reports[node]; ok && r.At.After(last) {
					last = r.At
				}
				if quiet := v.Now.Sub(last); quiet > silenceTimeout {
					out[node] = fmt.Sprintf("%s has not reported for %v", node, quiet.Round(time.Second))
				}
			}
			return out
		}},
		{"lagging", fmt.Sprintf("a node is %d log entries behind the leader", maxLag), func(v ClusterView) map[string]string {
			out := map[string]string{}
			for node, r := range v.Reports {
				if v.Now.Sub(r.At) <= silenceTimeout && r.Applied+maxLag < v.Applied {
					out[node] = fmt.Sprintf("%s is %d entries behind", node, v.Applied-r.Applied)
				}
			}
			return out
		}},
	}
}
