package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/workload"
)

// dataClasses are the reference platform's classes of data, and when each
// acknowledges a write. Async loses by design what it had not yet replicated.
var dataClasses = []struct{ name, acknowledges string }{
	{"strong", "committed by most regions, on disk"},
	{"semisync", "on the primary's disk, received in another region"},
	{"async", "written on the primary"},
}

func (a *app) compareClasses() *cobra.Command {
	var known []string
	for _, c := range dataClasses {
		known = append(known, c.name)
	}
	var f runFlags
	var which []string
	var seed uint64
	var writers int
	c := &cobra.Command{
		Use:   "classes",
		Short: "Data classes: when each acknowledges a write, how fast, and what losing a region costs",
		Long: `Classes kills the reference platform's main region under the same load on each
class of data: strong, semisync and async.

p50 and p99 are the latencies of the writes acknowledged before the fault, from the
instant each was due, to 0.1 ms. Throughput is the number of writes acknowledged
per second when a fixed number of writers each keep one write in flight; it is
measured before the baseline. A write is lost when it was acknowledged and no node
has it in the end. The column "lost for" is the time from the first such
acknowledgement to the last.

Async may lose writes. That alone does not make its row a failure.

` + exitHelp,
		Example: `  holdfast compare classes
  holdfast compare classes --class semisync,async --runtime local
  holdfast compare classes --writers 64 --json`,
		Args: wantArgs(0, 0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			for _, w := range which {
				if !slices.Contains(known, w) {
					return unknownValue("--class", w, known)
				}
			}
			if writers < 1 || writers > 1000 {
				return usageErr("compare classes: --writers is the number of writers in each region, 1 to 1000, not %d", writers)
			}
			return a.compareDataClasses(c.Context(), which, seed, writers, f)
		},
	}
	f.add(c)
	c.Flags().StringSliceVar(&which, "class", known, "classes to compare")
	c.Flags().IntVar(&writers, "writers", 32, "writers in each region when throughput is measured")
	c.Flags().Uint64Var(&seed, "seed", 1, "seed of every random choice, the same for all")
	return c
}

// compareDataClasses runs the loss of the main region on each class and prints a table of those that ran.
func (a *app) compareDataClasses(ctx context.Context, which []string, seed uint64, writers int, f runFlags) error {
	var all []variant
	for _, class := range which {
		job, err := builtin.Read("lose-main-region", seed, func(s *scenarios.Scenario) {
			s.Load.Class, s.Load.Mix = class, workload.Mix{Add: 100}
			s.Load.ClosedLoop = workload.ClosedLoop{For: 4 * time.Second, Writers: writers}
			s.Baseline = 8 * time.Second
			s.Objectives.LeaderChange = nil // the primary of a class need not be the leader
			if class == "async" {
				no := false
				s.Objectives.Linearizable = &no // async makes no such promise
			}
		})
		if err != nil {
			return err
		}
		all = append(all, variant{class, job})
	}
	runs, err := a.runVariants(ctx, all, f)
	var rows []classRow
	worst := 0
	for _, c := range runs {
		rows = append(rows, newClassRow(c))
		var allowedFailures []string
		if c.name == "async" {
			allowedFailures = []string{"rpo"}
		}
		worst = worstExit(worst, unexpectedExit(c.run, allowedFailures...))
	}
	if len(rows) > 0 {
		if err := a.printClasses(rows, writers); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return exitWith(worst)
}

// classRow is one row of the table.
type classRow struct {
	Class        string         `json:"class"`
	Acknowledged string         `json:"acknowledged"` // when
	P50          *time.Duration `json:"p50"`          // ns; null: nothing was acknowledged in the baseline
	P99          *time.Duration `json:"p99"`
	Writes       int            `json:"writes"`     // that the percentiles are of
	Throughput   *float64       `json:"throughput"` // acknowledged writes a second; null: not measured
	Lost         *int           `json:"lost"`       // null: not known
	LostFor      *time.Duration `json:"lostFor"`
	RTO          *time.Duration `json:"rto"` // null: not measured, or no stable recovery
	Verdict      record.Verdict `json:"verdict"`
	Dir          string         `json:"dir"`
}

func newClassRow(c variantRun) classRow {
	row := classRow{Class: c.name, Dir: c.dir, Verdict: record.Unknown}
	for _, d := range dataClasses {
		if d.name == c.name {
			row.Acknowledged = d.acknowledges
		}
	}
	if p, ok := c.run.Phase(record.Baseline); ok && p.To > p.From {
		took := acknowledgedIn(c.run, p)
		if row.Writes = len(took); row.Writes > 0 {
			p50, p99 := percentile(took, 50), percentile(took, 99)
			row.P50, row.P99 = &p50, &p99
		}
	}
	if p, ok := c.run.Phase(record.Saturated); ok && p.To > p.From {
		rate := float64(len(acknowledgedIn(c.run, p))) / (p.To - p.From).Seconds()
		row.Throughput = &rate
	}
	if j := c.run.Result; j != nil {
		row.Verdict = j.Verdict
		if j.RTO != nil && j.RTO.Recovered {
			row.RTO = &j.RTO.Worst
		}
		row.Lost, row.LostFor = lostWrites(j)
	}
	return row
}

// acknowledgedIn lists the latencies of the writes that were due and acknowledged in a phase, sorted.
func acknowledgedIn(r *record.Run, p record.Phase) []time.Duration {
	var took []time.Duration
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Kind.Class() == history.Writes && op.Outcome == history.OK && op.Intended >= p.From && op.Return <= p.To {
			took = append(took, op.Latency())
		}
	}
	slices.Sort(took)
	return took
}

// percentile is history.Percentile to 0.1 ms.
func percentile(sorted []time.Duration, percent float64) time.Duration {
	return history.Percentile(sorted, percent).Round(100 * time.Microsecond)
}

func (a *app) printClasses(rows []classRow, writers int) error {
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("class", "acknowledged when", "p50", "p99", "throughput", "lost", "lost for", "RTO", "verdict", "run")
	fewest := 0
	for _, r := range rows {
		if fewest == 0 || r.Writes < fewest {
			fewest = r.Writes
		}
		throughput, lost := "—", "?"
		if r.Throughput != nil {
			throughput = fmt.Sprintf("%.0f/s", *r.Throughput)
		}
		if r.Lost != nil {
			lost = fmt.Sprint(*r.Lost)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.Class, r.Acknowledged,
			latencyOrDash(r.P50), latencyOrDash(r.P99), throughput, lost, durationOrUnknown(r.LostFor), durationOrDash(r.RTO), r.Verdict, r.Dir)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "latency to three digits, of %d writes or more; throughput with %d writers in each region; RTO to 0.1 s\n", fewest, writers)
	return err
}

func latencyOrDash(d *time.Duration) string {
	if d == nil {
		return "—"
	}
	return duration.Format(*d)
}

func durationOrUnknown(d *time.Duration) string {
	if d == nil {
		return "?"
	}
	return duration.Format(*d)
}
