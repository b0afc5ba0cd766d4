package telemetry

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Picture is what the leader sees when it judges the alert rules.
type Picture struct {
	Now      time.Time
	Since    time.Time // when this node began to lead; older silence is not its to judge
	Nodes    map[string]string
	Suspects map[string][]string // whom each reporter finds dead after three failed probes
	Lost     []string            // declared lost by arbitration
	Applied  uint64              // the leader's log index
	Reports  map[string]Received
}

// Rule is a condition under which an operator is told. It names what it is
// about, once for each thing, with a sentence.
type Rule struct {
	Name string
	Says string // in one sentence, for the manual
	When func(p Picture) map[string]string
}

const (
	silent = 3 * reportEvery // a node that has not reported for this long
	behind = 10_000          // log entries
)

// Rules are all there are.
func Rules() []Rule {
	return []Rule{
		{"probes-failed", "three probes of a node failed in a row", func(p Picture) map[string]string {
			by := map[string][]string{}
			for reporter, suspects := range p.Suspects {
				for _, s := range suspects {
					by[s] = append(by[s], reporter)
				}
			}
			out := map[string]string{}
			for node, reporters := range by {
				slices.Sort(reporters)
				out[node] = fmt.Sprintf("%s does not answer %s", node, strings.Join(reporters, ", "))
			}
			return out
		}},
		{"node-lost", "a majority of regions declared a node lost", func(p Picture) map[string]string {
			out := map[string]string{}
			for _, node := range p.Lost {
				out[node] = fmt.Sprintf("%s in %s is lost", node, p.Nodes[node])
			}
			return out
		}},
		{"region-lost", "every node of a region is lost", func(p Picture) map[string]string {
			alive := map[string]bool{}
			for node, region := range p.Nodes {
				alive[region] = alive[region] || !slices.Contains(p.Lost, node)
			}
			out := map[string]string{}
			for region, some := range alive {
				if !some {
					out[region] = "region " + region + " is lost"
				}
			}
			return out
		}},
		{"silent", fmt.Sprintf("a node has sent no health report for %v", silent), func(p Picture) map[string]string {
			out := map[string]string{}
			for node := range p.Nodes {
				last := p.Since
				if r, ok := p.Reports[node]; ok && r.At.After(last) {
					last = r.At
				}
				if quiet := p.Now.Sub(last); quiet > silent {
					out[node] = fmt.Sprintf("%s has not reported for %v", node, quiet.Round(time.Second))
				}
			}
			return out
		}},
		{"lagging", fmt.Sprintf("a node is %d log entries behind the leader", behind), func(p Picture) map[string]string {
			out := map[string]string{}
			for node, r := range p.Reports {
				if p.Now.Sub(r.At) <= silent && r.Applied+behind < p.Applied {
					out[node] = fmt.Sprintf("%s is %d entries behind", node, p.Applied-r.Applied)
				}
			}
			return out
		}},
	}
}
