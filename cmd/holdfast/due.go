package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
)

func (a *app) dueVerb() *cobra.Command {
	var at string
	c := &cobra.Command{
		Use:   "due [FILE|NAME|FOLDER…]",
		Short: "Say which drills are overdue",
		Long: `Due reads the scenarios that say how often they are exercised (drill), and the stored
runs, and prints when each was held last and when it is due again. A run counts when
its verdict is pass or fail: an unknown or vacuous one exercised nothing. A tabletop
exercise counts when "holdfast tabletop --held" noted it. Of a folder every *.yaml is
read; without arguments it is the library.`,
		Example: "  holdfast due\n  holdfast due ./drills\n  holdfast due ./drills --at 2027-01-01",
		RunE: func(_ *cobra.Command, args []string) error {
			now := time.Now()
			if at != "" {
				var err error
				if now, err = time.Parse(time.DateOnly, at); err != nil {
					return usageErr("due: --at %q is no date: want YYYY-MM-DD", at)
				}
			}
			drills, err := readDrills(args)
			if err != nil {
				return err
			}
			held, err := a.lastHeld(now)
			if err != nil {
				return err
			}
			return a.printDue(drills, held, now)
		},
	}
	c.Flags().StringVar(&at, "at", "", "the day to look from, YYYY-MM-DD; today when left out")
	return c
}

// readDrills reads the scenarios that are drills.
func readDrills(args []string) ([]scenarios.Scenario, error) {
	if len(args) == 0 {
		args = scenarios.Names()
	}
	var out []scenarios.Scenario
	for _, arg := range args {
		files := []string{arg}
		if st, err := os.Stat(arg); err == nil && st.IsDir() {
			files, _ = filepath.Glob(filepath.Join(arg, "*.yaml")) // the pattern is good
		}
		for _, file := range files {
			s, err := scenarios.Load(file)
			if err != nil {
				return nil, usageErr("due: %w", err)
			}
			if s.Drill.Kind != "" {
				s.Drill = s.Drill.Resolve()
				out = append(out, s)
			}
		}
	}
	return out, nil
}

// exercise is one time that a drill was held.
type exercise struct {
	Scenario string         `json:"scenario"`
	At       time.Time      `json:"at"`
	Verdict  record.Verdict `json:"verdict,omitempty"`
	Run      string         `json:"run,omitempty"`
}

// lastHeld is when each scenario was exercised last, up to a time.
func (a *app) lastHeld(now time.Time) (map[string]exercise, error) {
	all, err := a.heldTabletops()
	if err != nil {
		return nil, err
	}
	ids, err := a.storedRuns()
	if err != nil {
		return nil, err
	}
	for _, id := range ids {
		r, err := record.LoadSummary(filepath.Join(a.runs, id))
		if err != nil {
			return nil, environmentErr(err)
		}
		if v := verdictOf(r); v == record.Pass || v == record.Fail {
			all = append(all, exercise{r.Scenario, r.Started, v, id})
		}
	}
	out := map[string]exercise{}
	for _, e := range all {
		if e.At.After(out[e.Scenario].At) && !e.At.After(now) {
			out[e.Scenario] = e
		}
	}
	return out, nil
}

// tabletopsFile lists the tabletop exercises that were held, a line each, in the folder of runs.
const tabletopsFile = "tabletops.jsonl"

// noteHeld notes that a tabletop exercise was held.
func (a *app) noteHeld(scenario string, at time.Time) error {
	line, err := json.Marshal(exercise{Scenario: scenario, At: at.UTC().Truncate(time.Second), Verdict: heldVerdict})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(a.runs, 0o755); err != nil {
		return environmentErr(err)
	}
	f, err := os.OpenFile(filepath.Join(a.runs, tabletopsFile), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return environmentErr(err)
	}
	_, err = f.Write(append(line, '\n'))
	return environmentErr(errors.Join(err, f.Close()))
}

func (a *app) heldTabletops() ([]exercise, error) {
	f, err := os.Open(filepath.Join(a.runs, tabletopsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, environmentErr(err)
	}
	defer f.Close()
	var out []exercise
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var e exercise
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, environmentErr(fmt.Errorf("%s:%d: %w", f.Name(), n, err))
		}
		out = append(out, e)
	}
	return out, environmentErr(lines.Err())
}

// dueDrill is a drill with when it was held and is to be held again.
type dueDrill struct {
	Scenario  string              `json:"scenario"`
	Kind      scenarios.DrillKind `json:"kind"`
	Owner     string              `json:"owner,omitempty"`
	Frequency scenarios.Frequency `json:"frequency"`
	Last      *exercise           `json:"last,omitempty"` // nil: never
	Due       *time.Time          `json:"due,omitempty"`  // nil: at once
	Overdue   bool                `json:"overdue"`
}

func (a *app) printDue(drills []scenarios.Scenario, held map[string]exercise, now time.Time) error {
	rows := []dueDrill{}
	for _, s := range drills {
		d := dueDrill{Scenario: s.Name, Kind: s.Drill.Kind, Owner: s.Drill.Owner, Frequency: s.Drill.Frequency, Overdue: true}
		if last, ok := held[s.Name]; ok {
			next := s.Drill.Frequency.Next(last.At)
			d.Last, d.Due, d.Overdue = &last, &next, now.After(next)
		}
		rows = append(rows, d)
	}
	slices.SortStableFunc(rows, func(x, y dueDrill) int { return cmp.Compare(x.dueAt().Unix(), y.dueAt().Unix()) })
	if a.json {
		return printJSON(a.out, rows)
	}
	t := a.table("drill", "kind", "held", "owner", "last", "verdict", "due")
	overdue := 0
	for _, d := range rows {
		last, verdict := "never", ""
		if d.Last != nil {
			last, verdict = d.Last.At.Format(time.DateOnly), string(d.Last.Verdict)
		}
		due := "OVERDUE: never held"
		switch {
		case d.Overdue && d.Due != nil:
			due = fmt.Sprintf("OVERDUE since %s (%s)", d.Due.Format(time.DateOnly), inDays(now.Sub(*d.Due)))
		case !d.Overdue:
			due = fmt.Sprintf("%s (in %s)", d.Due.Format(time.DateOnly), inDays(d.Due.Sub(now)))
		}
		if d.Overdue {
			overdue++
		}
		fmt.Fprintln(t, strings.Join([]string{d.Scenario, string(d.Kind), string(d.Frequency), printable.Line(d.Owner), last, verdict, due}, "\t"))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(a.out, "\n%d of %d drills are overdue\n", overdue, len(rows))
	return err
}

// dueAt is when the drill is due; one that was never held comes first.
func (d dueDrill) dueAt() time.Time {
	if d.Due == nil {
		return time.Unix(0, 0)
	}
	return *d.Due
}

func inDays(d time.Duration) string {
	if days := int(d / (24 * time.Hour)); days != 1 {
		return fmt.Sprintf("%d days", days)
	}
	return "1 day"
}
