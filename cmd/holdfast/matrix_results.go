package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// matrixResults is what came of the scenarios of files with a matrix.
type matrixResults struct{ rows []matrixRow }

type matrixRow struct {
	scenario   string
	parameters []scenarios.Parameter
	run        *record.Run
}

// add notes a run, unless its file has no matrix.
func (m *matrixResults) add(p scenarios.Plan, r *record.Run) {
	if len(p.Parameters) > 0 {
		m.rows = append(m.rows, matrixRow{p.Scenario, p.Parameters, r})
	}
}

// print prints a table for each scenario, with a column for each parameter.
func (m *matrixResults) print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	before := ""
	for _, row := range m.rows {
		if row.scenario != before {
			fmt.Fprintf(t, "\n%s\t\t\t\t\n", row.scenario)
			for _, p := range row.parameters {
				fmt.Fprintf(t, "%s\t", p.Name)
			}
			fmt.Fprint(t, "verdict\tRTO\tlost\trun\n")
			before = row.scenario
		}
		for _, p := range row.parameters {
			fmt.Fprintf(t, "%s\t", printable.Line(p.Value))
		}
		rto, lost := figures(row.run)
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", cmp.Or(verdictOf(row.run), "not judged"), rto, lost, row.run.ID)
	}
	return t.Flush()
}

// figures are the recovery time and the number of lost writes of a run, or dashes where they are not known.
func figures(r *record.Run) (rto, lost string) {
	rto, lost = "–", "–"
	if r.Result == nil {
		return rto, lost
	}
	if o := r.Result.RTO; o != nil {
		rto = duration.Format(o.Worst)
		if !o.Recovered {
			rto = "over " + rto
		}
	}
	if o := r.Result.RPO; o != nil {
		lost = fmt.Sprint(o.LostCount)
	}
	return rto, strings.TrimSpace(lost)
}

// parametersOf are the parameters of a run's plan.
func parametersOf(r *record.Run) []scenarios.Parameter {
	var plan struct {
		Parameters []scenarios.Parameter `json:"parameters"`
	}
	if json.Unmarshal(r.Plan, &plan) != nil {
		return nil // the plan of an earlier version has none
	}
	return plan.Parameters
}
