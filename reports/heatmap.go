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

// heatmap is one measurement of all links as a table: a row for each end that opens
// connections, a column for each node that accepts them, and the round-trip time in the cell.
type heatmap struct {
	When        string
	At          string
	To          []string
	Rows        []heatmapRow
	Description []string // each error in full, with the number of links that had it
}

type heatmapRow struct {
	From    string
	Clients bool
	Cells   []heatmapCell
}

// heatmapCell is coloured by Class. Text has the same information, for readers who
// cannot tell the colours apart.
type heatmapCell struct {
	Text  string
	Title string
	Class string // ok, slow, cut, none
}

// heatmaps lays out every matrix. A link is slow when it is slower than in the first one.
func heatmaps(r *record.Run) []heatmap {
	var out []heatmap
	base := map[topology.Link]time.Duration{}
	for i, m := range r.Matrices {
		if i == 0 {
			for _, l := range m.Links {
				if l.Error == "" {
					base[l.Link] = l.RTT
				}
			}
		}
		out = append(out, heatmapOf(r, m, base))
	}
	return out
}

func heatmapOf(r *record.Run, m record.Matrix, base map[topology.Link]time.Duration) heatmap {
	h := heatmap{When: clean(m.When), At: at(m.At)}
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
		row := heatmapRow{From: clean(from.String()), Clients: from.Clients != ""}
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
		h.Description = append(h.Description, fmt.Sprintf("%s: %s", plural(n, "link"), e))
	}
	slices.Sort(h.Description)
	if len(h.Description) > 8 {
		h.Description = append(h.Description[:8], fmt.Sprintf("and %d more kinds of error", len(h.Description)-8))
	}
	return h
}

func cellOf(s record.LinkSample, measured bool, base time.Duration) heatmapCell {
	link := clean(s.Link.String())
	switch {
	case !measured:
		return heatmapCell{Text: "", Class: "none"}
	case s.Error != "":
		return heatmapCell{Text: "✖ " + kindOfError(s.Error), Title: link + ": " + clean(s.Error), Class: "cut"}
	case base > 0 && s.RTT > base+base/2 && s.RTT > base+5*time.Millisecond:
		return heatmapCell{Text: "▲ " + duration.OrNever(s.RTT), Title: fmt.Sprintf("%s: %s, first measured %s", link, duration.OrNever(s.RTT), duration.OrNever(base)), Class: "slow"}
	default:
		return heatmapCell{Text: duration.OrNever(s.RTT), Title: link + ": " + duration.OrNever(s.RTT), Class: "ok"}
	}
}

// kindOfError classifies an error in a word or two.
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
