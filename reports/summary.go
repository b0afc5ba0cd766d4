package reports

import (
	"fmt"
	"io"
	"strings"

	"github.com/mcp-resilience/holdfast/record"
)

// Summary writes the run in GitHub's flavour of Markdown, short enough for the
// page of a pull request.
func Summary(w io.Writer, r *record.Run) error {
	h := headlineOf(r)
	var b strings.Builder
	fmt.Fprintf(&b, "### %s %s: %s\n\n", h.Glyph, h.Word, md(r.Scenario))
	fmt.Fprintf(&b, "%s\n", md(h.Description))
	if h.Expected != "" {
		fmt.Fprintf(&b, "\n**%s**\n", md(sentence(h.Expected)))
	}
	if h.Cause != "" {
		fmt.Fprintf(&b, "\n%s\n", md(h.Cause))
	}
	if h.Unverified != "" {
		fmt.Fprintf(&b, "\n%s\n", md(h.Unverified))
	}
	if h.Attempt != "" {
		fmt.Fprintf(&b, "\n%s\n", md(h.Attempt))
	}
	if j := r.Result; j != nil {
		if h.Incomplete != "" {
			fmt.Fprintf(&b, "\n**%s**\n", md(sentence(h.Incomplete)))
		}
		summaryRTO(&b, j.RTO)
		summaryFindings(&b, j.Findings)
	}
	fmt.Fprintf(&b, "\n%s on %s, seed %d, run %s\n", md(r.Target), md(r.Runtime), r.Seed, mdCode(r.ID))
	fmt.Fprintf(&b, "\nAgain: %s\n\n", mdCode("holdfast replay "+shell(clean(r.ID))))
	_, err := io.WriteString(w, b.String())
	return err
}

func summaryRTO(b *strings.Builder, o *record.RTO) {
	if o == nil || len(o.Series) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| clients in | class | episode | RTO | first ack | longest outage | note |\n|---|---|--:|--:|--:|--:|---|\n")
	for i, s := range o.Series {
		if i == 24 {
			fmt.Fprintf(b, "\nand %s in the report\n", plural(len(o.Series)-i, "more line"))
			break
		}
		w := seriesRow(s, o.Objective, false)
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s | %s |\n", md(w.Cells[0]), w.Cells[1], w.Cells[2], w.Cells[3], w.Cells[4], w.Cells[6], md(w.Note))
	}
}

func summaryFindings(b *strings.Builder, fs []record.Finding) {
	if len(fs) == 0 {
		return
	}
	fmt.Fprintf(b, "\n| | check | found |\n|---|---|---|\n")
	for _, f := range fs {
		fmt.Fprintf(b, "| %s %s | %s | %s |\n", glyph(f.Verdict), md(string(f.Verdict)), md(f.Check), md(f.Description))
		if f.Verdict != record.Pass && len(f.Evidence) > 0 {
			fmt.Fprintf(b, "| | | %s |\n", mdCode(f.Evidence[0]))
		}
	}
}

// mdEscapes are the characters that mean something in Markdown or HTML.
var mdEscapes = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">", "&gt;",
	"&", "&amp;", "|", `\|`, "#", `\#`, "~", `\~`, "@", "&#64;", "!", `\!`, "$", `\$`,
)

// md makes a foreign string mean itself in Markdown, also inside a table.
func md(s string) string { return mdEscapes.Replace(clean(s)) }

// mdCode is a code span. What could end it, or a table's cell, goes into an
// element instead, where everything can be escaped.
func mdCode(s string) string {
	if strings.ContainsAny(s, "`|<>&") {
		return "<code>" + md(s) + "</code>"
	}
	if s = clean(s); s == "" {
		return ""
	}
	return "`" + s + "`"
}
