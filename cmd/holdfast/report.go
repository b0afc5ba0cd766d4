package main

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/reports"
)

func (a *app) reportVerb() *cobra.Command {
	var open bool
	c := &cobra.Command{
		Use:   "report RUN",
		Short: "Write a run's reports again and print their path",
		Long: `Report writes report.html, junit.xml and summary.md of a run again from its record,
without judging it again, and prints the path of report.html. With --json it prints
the paths of all three and the result, which is the content of verdict.json.

RUN is the path of a run directory, a run's id, the beginning of an id, or "last",
the newest run that has finished.`,
		Example: `  holdfast report last
  holdfast report last --open`,
		Args: wantArgs(1, 1, "one run"),
		RunE: func(c *cobra.Command, args []string) error {
			dir, err := a.resolveRun(args[0])
			if err != nil {
				return err
			}
			r, err := rewriteReports(dir)
			if err != nil {
				return environmentErr(err)
			}
			html := filepath.Join(dir, reports.HTMLFile)
			if open {
				if err := openFile(html); err != nil {
					return environmentErr(fmt.Errorf("open %s: %w", html, err))
				}
			}
			if a.json {
				return printJSON(a.out, struct {
					Run     string         `json:"run"`
					HTML    string         `json:"html"`
					JUnit   string         `json:"junit"`
					Summary string         `json:"summary"`
					Result  *record.Result `json:"result"`
				}{r.ID, html, filepath.Join(dir, reports.JUnitFile), filepath.Join(dir, reports.SummaryFile), r.Result})
			}
			_, err = fmt.Fprintln(a.out, html)
			return err
		},
	}
	c.Flags().BoolVar(&open, "open", false, "open the report in the browser as well")
	return c
}

// rewriteReports makes the reports of a stored run again, under the run's lock.
func rewriteReports(dir string) (_ *record.Run, err error) {
	d, err := record.Reopen(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	r, err := record.Load(dir)
	if err != nil {
		return nil, err
	}
	return r, reports.Write(d, r, "")
}

// openFile opens a file with the desktop's default program.
func openFile(path string) error {
	switch runtime.GOOS {
	case "darwin":
		return exec.Command("open", path).Run()
	case "windows":
		return exec.Command("rundll32", "url.dll,FileProtocolHandler", path).Run()
	default:
		return exec.Command("xdg-open", path).Run()
	}
}
