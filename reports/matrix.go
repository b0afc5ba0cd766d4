package reports

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// heat is one link matrix as a table: who opens, to whom, and what came back.
type heat struct {
	When string
	At   string
	To   []string
	Rows []heatRow
	Says []string // the errors in full, with how many links met each
}

type heatRow struct {
	From    string
	Clients bool
	Cells   []heatCell
}

// heatCell is coloured by Class and says the same in Text, for colour alone tells nobody.
type heatCell struct {
	Text  string
	Title string
	Class string // ok, slow, cut, none
}

// heats lays out every matrix against the first one, which is the measure of slow.
func heats(r *record.Run) []heat {
	var out []heat
	base := map[topology.Link]time.Duration{}
	for i, m := range r.Matrices {
		if i == 0 {
			for _, l := range m.Links {
				if l.Error == "" {
					base[l.Link] = l.RTT
				}
			}
		}
		out = append(out, heatOf(r, m, base))
	}
	return out
}

func heatOf(r *record.Run, m record.Matrix, base map[topology.Link]time.Duration) heat {
	h := heat{When: clean(m.When), At: at(m.At)}
	sample := map[topology.Link]record.LinkSample{}
	var froms []topology.Endpoint
	var tos []topology.NodeID
	for _, n := range r.Topology.Nodes {
		tos = append(tos, n.ID)
		froms = append(froms, topology.Endpoint{Node: n.ID})
	}
	for _, z := range r.Topology.Regions() {
		froms = append(froms, topology.Endpoint{Clients: z})
	}
	errs := map[string]int{}
	for _, l := range m.Links {
		sample[l.Link] = l
		if !slices.Contains(froms, l.Link.From) {
			froms = append(froms, l.Link.From)
		}
		if !slices.Contains(tos, l.Link.To) {
			tos = append(tos, l.Link.To)
		}
		if l.Error != "" {
			errs[clean(l.Error)]++
		}
	}
	for _, to := range tos {
		h.To = append(h.To, clean(string(to)))
	}
	for _, from := range froms {
		row := heatRow{From: clean(from.String()), Clients: from.Clients != ""}
		any := false
		for _, to := range tos {
			link := topology.Link{From: from, To: to}
			s, ok := sample[link]
			any = any || ok
			row.Cells = append(row.Cells, cellOf(s, ok, base[link]))
		}
		if any {
			h.Rows = append(h.Rows, row)
		}
	}
	for e, n := range errs {
		h.Says = append(h.Says, fmt.Sprintf("%s: %s", plural(n, "link"), e))
	}
	slices.Sort(h.Says)
	if len(h.Says) > 8 {
		h.Says = append(h.Says[:8], fmt.Sprintf("and %d more kinds of error", len(h.Says)-8))
	}
	return h
}

func cellOf(s record.LinkSample, measured bool, base time.Duration) heatCell {
	link := clean(s.Link.String())
	switch {
	case !measured:
		return heatCell{Text: "", Class: "none"}
	case s.Error != "":
		return heatCell{Text: "✖ " + kindOfError(s.Error), Title: link + ": " + clean(s.Error), Class: "cut"}
	case base > 0 && s.RTT > base+base/2 && s.RTT > base+5*time.Millisecond:
		return heatCell{Text: "▲ " + duration.OrNever(s.RTT), Title: fmt.Sprintf("%s: %s, first measured %s", link, duration.OrNever(s.RTT), duration.OrNever(base)), Class: "slow"}
	default:
		return heatCell{Text: duration.OrNever(s.RTT), Title: link + ": " + duration.OrNever(s.RTT), Class: "ok"}
	}
}

// kindOfError is an error in one word.
func kindOfError(e string) string {
	e = strings.ToLower(e)
	for _, k := range []struct{ has, word string }{
		{"refused", "refused"},
		{"reset", "reset"},
		{"timeout", "timeout"},
		{"deadline", "timeout"},
		{"timed out", "timeout"},
		{"eof", "closed"},
		{"closed", "closed"},
		{"unreachable", "no route"},
	} {
		if strings.Contains(e, k.has) {
			return k.word
		}
	}
	return "error"
}
