package scenarios

import (
	"regexp"
	"strings"
	"sync"

	"github.com/mcp-resilience/holdfast/docs"
)

// manualRow is what the manual says of one field.
type manualRow struct {
	meaning string
	leftOut string // what counts when the field is left out; empty where the table has no such column
}

// manualTables are the tables of the manual by the heading above them, and their rows by the
// name of the field.
var manualTables = sync.OnceValue(func() map[string]map[string]manualRow { return readTables(docs.WritingScenarios) })

var (
	headingLine = regexp.MustCompile("^#+ `?([^`]*)`?$")
	fieldRow    = regexp.MustCompile("^\\| `([^`]+)` \\|(.*)\\|$")
	linkTo      = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
)

// readTables reads the tables whose first column is the name of a field in backquotes.
func readTables(text string) map[string]map[string]manualRow {
	out := map[string]map[string]manualRow{}
	heading := ""
	for _, line := range strings.Split(text, "\n") {
		if h := headingLine.FindStringSubmatch(line); h != nil {
			heading = h[1]
			continue
		}
		row := fieldRow.FindStringSubmatch(line)
		if row == nil {
			continue
		}
		if out[heading] == nil {
			out[heading] = map[string]manualRow{}
		}
		meaning, leftOut, _ := strings.Cut(linkTo.ReplaceAllString(row[2], "$1"), " | ")
		out[heading][row[1]] = manualRow{strings.TrimSpace(meaning), strings.TrimSpace(leftOut)}
	}
	return out
}

// manualHeadings are the headings under which the manual has the fields of a mapping, by the
// path of the mapping. The settings of a fault stand under its name.
var manualHeadings = map[string]string{
	"":           "The file",
	"steps":      "Steps",
	"steps.on":   "Steps",
	"steps.to":   "Steps",
	"drill":      "Drills",
	"guards":     "Guards",
	"loadPhases": "Load phases",
	"topology":   "Topology",
	"load":       "Load",

	"steps.on.not": "Steps",
	"steps.to.not": "Steps",
	"objectives":   "Objectives",
	"blastRadius":  "Blast radius",
}
