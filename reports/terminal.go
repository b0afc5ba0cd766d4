package reports

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
)

// Terminal writes the block that ends `holdfast run`: the verdict, the figures by client
// region and class, the findings, and the path of the report. Dir is the run directory;
// color asks for ANSI colours. The error is that of w.
func Terminal(w io.Writer, r *record.Run, dir string, color bool) error {
	h := headlineOf(r)
	paint := painter(color)
	var b strings.Builder
	fmt.Fprintf(&b, "\n%s  %s\n", paint(tone(h.Verdict), h.Glyph+" "+h.Word), clean(r.Scenario))
	fmt.Fprintf(&b, "  %s\n", h.Description)
	if h.Expected != "" {
		c := "dim"
		if h.Surprise {
			c = "fail"
		}
		fmt.Fprintf(&b, "  %s\n", paint(c, h.Expected))
	}
	if h.Cause != "" {
		fmt.Fprintf(&b, "  %s\n", paint(tone(h.Verdict), h.Cause))
	}
	if h.Unverified != "" {
		fmt.Fprintf(&b, "  %s\n", h.Unverified)
	}
	if h.Attempt != "" {
		fmt.Fprintf(&b, "  %s\n", h.Attempt)
	}
	if j := r.Result; j != nil {
		if h.Incomplete != "" {
			fmt.Fprintf(&b, "  %s\n", paint("fail", h.Incomplete))
		}
		terminalRTO(&b, j.RTO)
		terminalRPO(&b, j.RPO, findingOf(r, "rpo"))
		terminalFindings(&b, j.Findings, paint)
	}
	fmt.Fprintf(&b, "\n  report  %s\n  replay  holdfast replay %s\n", clean(filepath.Join(dir, HTMLFile)), shell(clean(r.ID)))
	_, err := io.WriteString(w, b.String())
	return err
}

func terminalRTO(b *strings.Builder, o *record.RTO) {
	if o == nil || len(o.Series) == 0 {
		return
	}
	episodes := false
	for _, s := range o.Series {
		episodes = episodes || s.Episode != o.Series[0].Episode
	}
	fmt.Fprintf(b, "\n  RTO, objective %s, to within %s\n", duration.OrNever(o.Objective), duration.OrNever(o.Resolution))
	t := tabwriter.NewWriter(b, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "  clients\tclass\t")
	if episodes {
		fmt.Fprint(t, "episode\t")
	}
	fmt.Fprint(t, "RTO\tfirst ack\tlongest outage\t\n")
	for _, s := range o.Series {
		w := seriesRow(s, o.Objective, false)
		fmt.Fprintf(t, "  %s\t%s\t", w.Cells[0], w.Cells[1])
		if episodes {
			fmt.Fprintf(t, "%s\t", w.Cells[2])
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", w.Cells[3], w.Cells[4], w.Cells[6], w.Note)
	}
	_ = t.Flush() // a strings.Builder takes everything
}

// terminalRPO writes three lines at most; the lost writes one by one are in the report.
func terminalRPO(b *strings.Builder, o *record.RPO, v record.Verdict) {
	if o == nil {
		return
	}
	fmt.Fprintf(b, "\n  RPO, objective %s: %s\n", count(o.Objective), loss(o, v))
	fmt.Fprintf(b, "  %s acknowledged, %s unknown (%s of them took effect), %s\n",
		count(o.Acked), count(o.Unknown), count(o.Recovered), plural(o.FinalReads, "final read"))
	switch groups := o.DescribeLossGroups(); {
	case groups != "":
		fmt.Fprintf(b, "  %s\n", clean(groups))
	case len(o.Lost) > 0: // a result of before the losses were grouped
		op := o.Lost[0].Op
		fmt.Fprintf(b, "  first lost: %s, acknowledged %s by %s%s, %s\n", describeOp(&op), at(op.Return), orUnknownNode(string(op.Node)), describeTerm(&op), clean(o.Lost[0].Position))
	}
}

func orUnknownNode(s string) string {
	if s == "" {
		return "an unknown node"
	}
	return clean(s)
}

func terminalFindings(b *strings.Builder, fs []record.Finding, paint func(string, string) string) {
	if len(fs) == 0 {
		return
	}
	width := 0
	for _, f := range fs {
		width = max(width, len([]rune(clean(f.Check))))
	}
	width = min(width, 28)
	fmt.Fprintf(b, "\n  findings\n")
	for _, f := range fs {
		fmt.Fprintf(b, "    %s %-*s  %s\n", paint(tone(f.Verdict), fmt.Sprintf("%s %-7s", glyph(f.Verdict), clean(string(f.Verdict)))), width, clean(f.Check), clean(f.Description))
		if f.Verdict != record.Pass {
			for i, e := range f.Evidence {
				if i == 3 {
					fmt.Fprintf(b, "      and %d more in the report\n", len(f.Evidence)-i)
					break
				}
				fmt.Fprintf(b, "      %s\n", paint("dim", clean(e)))
			}
		}
	}
}

// painter returns a function that wraps words in the ANSI colour of a tone.
func painter(color bool) func(string, string) string {
	codes := map[string]string{"pass": "1;32", "fail": "1;31", "unknown": "1;35", "vacuous": "1;33", "dim": "2"}
	return func(tone, s string) string {
		if c, ok := codes[tone]; color && ok {
			return "\x1b[" + c + "m" + s + "\x1b[0m"
		}
		return s
	}
}
