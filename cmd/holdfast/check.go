package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/check/models"
	"github.com/mcp-resilience/holdfast/history/foreign"
	"github.com/mcp-resilience/holdfast/internal/printable"
)

func (a *app) checkVerb() *cobra.Command {
	var (
		model string
		limit time.Duration
		total int64
	)
	c := &cobra.Command{
		Use:   "check FILE --model MODEL",
		Short: "Judge a history that any tool recorded",
		Long: `Check judges the operations in a file by a model, each key on its own:

    register       reads and writes are linearizable
    cas-register   and so are compare-and-sets
    set            adds and reads of a set that only grows are linearizable
    append         appends to lists, puts that replace one, and reads are linearizable
    bank           every read of the accounts shows the same total

FILE is a history.edn of Jepsen (operations on one key, on several with
jepsen.independent, or list-append transactions), a log of Jepsen's etcd test or of
a key-value store as Porcupine's tests have them, or a history.jsonl of holdfast,
compressed or not. Which it is follows from its beginning. The order of the lines is
the order of the events: an instant of 0.012 s in the evidence means line 12. What has no
completion, or an :info, may have taken effect at any later time, or never. A
:fail took no effect; in a log of Jepsen's etcd test a :cas that failed was refused for
another value, and that is judged.

Exit status:
    0  the history fits the model
    1  it does not
    2  undecided within the limits, or there was nothing to judge
   64  wrong arguments, or a file that cannot be read as a history`,
		Example: `  holdfast check history.edn --model cas-register
  holdfast check runs/RUN/history.jsonl.zst --model set
  holdfast check bank.edn --model bank --total 100 --json`,
		Args: wantArgs(1, 1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			if model == "" {
				return usageErr("say --model, which is what the operations are of: register, cas-register, set, append or bank")
			}
			m, err := foreign.ParseModel(model)
			if err != nil {
				return usageErr("--model: %w", err)
			}
			o := models.Options{Options: linear.Options{KeyTime: limit, Time: limit}}
			if c.Flags().Changed("total") {
				if m != foreign.Bank {
					return usageErr("--total is of the model bank, not of %s", m)
				}
				o.Total = &total
			}
			h, err := foreign.Read(args[0], m)
			if err != nil {
				return usageErr("%w", err)
			}
			r := models.Judge(c.Context(), m, h.Ops, o)
			if err := a.printCheck(args[0], &h, &r); err != nil {
				return err
			}
			return exitWith(r.Verdict.ExitCode())
		},
	}
	c.Flags().StringVar(&model, "model", "", "what the operations are of: register, cas-register, set, append or bank")
	c.Flags().DurationVar(&limit, "time", time.Minute, "how long the search may take")
	c.Flags().Int64Var(&total, "total", 0, "what the accounts of a bank hold together; if not said, what the first read shows")
	return c
}

func (a *app) printCheck(path string, h *foreign.History, r *models.Result) error {
	if a.json {
		enc := json.NewEncoder(a.out)
		enc.SetIndent("", "  ")
		return enc.Encode(struct {
			File        string         `json:"file"`
			Format      foreign.Format `json:"format"`
			Description string         `json:"description"`
			LeftOut     int            `json:"leftOut"` // operations that are not of the model
			Truncated   bool           `json:"truncated,omitempty"`
			*models.Result
		}{path, h.Format, r.Description(), h.LeftOut, h.Truncated, r})
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s\n", r.Verdict, printable.Line(r.Description()))
	for i, v := range r.Violations {
		if i == maxViolationsPrinted {
			fmt.Fprintf(&b, "  and %d more; --json prints all\n", len(r.Violations)-i)
			break
		}
		for _, line := range v.Evidence {
			fmt.Fprintf(&b, "  - %s\n", printable.Line(line))
		}
	}
	if h.LeftOut > 0 {
		fmt.Fprintf(&b, "left out, for they are not of the model: %d\n", h.LeftOut)
	}
	if h.Truncated {
		b.WriteString("the file ends in the midst of an operation; what is before it was judged\n")
	}
	_, err := fmt.Fprint(a.out, b.String())
	return err
}

// maxViolationsPrinted is how many keys are shown with their evidence. A history in which everything went wrong has thousands.
const maxViolationsPrinted = 20
