package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// app is what every verb shares: where it prints, and the flags of the root.
type app struct {
	out, err io.Writer
	runs     string // folder of run directories
	json     bool   // one JSON value on out, nothing else there
	plain    bool   // no live view, even in a terminal
}

// Main runs the command line and returns its exit status.
func Main(args []string) int {
	a := &app{out: os.Stdout, err: os.Stderr}
	return a.main(context.Background(), args)
}

func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if quiet, ok := errors.AsType[*exitError](err); err != nil && !(ok && quiet.err == nil) {
		fmt.Fprintln(a.err, "holdfast: "+err.Error())
	}
	return exitCode(err)
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "holdfast VERB",
		Short: "Break a replicated system on purpose and prove what it promised",
		Long: `holdfast starts a replicated system across three regions, drives it with
clients, breaks it on purpose, and proves from the clients' own history that
service came back in time (RTO) and that nothing acknowledged was lost (RPO).

Exit status: 0 as promised · 1 an objective failed · 2 unknown or vacuous ·
3 the environment (no engine, no image, port taken) · 64 usage or a bad file.`,
		Example: `  holdfast run lose-main-region        the first drill
  holdfast plan kill-leader            what would happen, and would a quorum survive
  holdfast replay last                 the last run again`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownVerb(args[0], a.verbs())
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		hint := ""
		if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
			if n := suggest.Closest(unknown.GetSpecifiedName(), flagNames(c)); n != "" {
				hint = "; did you mean --" + n + "?"
			}
		}
		return usageErr("%s: %v%s; %q shows the flags", c.Name(), err, hint, c.CommandPath()+" --help")
	})
	f := root.PersistentFlags()
	f.StringVar(&a.runs, "runs", "runs", "folder of run directories")
	f.BoolVar(&a.json, "json", false, "print JSON on standard output, for machines")
	f.BoolVar(&a.plain, "plain", false, "timestamped lines instead of the live view")
	root.AddCommand(a.verbs()...)
	root.SetHelpCommand(&cobra.Command{
		Use: "help [verb]", Short: "Help about a verb",
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if sub, _, err := root.Find(args); err == nil && sub != root {
				return sub.Help()
			}
			return unknownVerb(args[0], a.verbs())
		},
	})
	return root
}

func flagNames(c *cobra.Command) (names []string) {
	c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	return names
}

// verbs lists all there are, in the order in which a user meets them.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.runVerb(),
		a.planVerb(),
		a.listVerb(),
		a.recheckVerb(),
		a.replayVerb(),
		a.compareVerb(),
		a.reportVerb(),
		a.doctorVerb(),
		a.cleanVerb(),
	}
}

func unknownVerb(word string, verbs []*cobra.Command) error {
	var names []string
	for _, v := range verbs {
		names = append(names, v.Name())
	}
	if n := suggest.Closest(word, names); n != "" {
		return usageErr("unknown verb %q; did you mean %q? The verbs are %s", word, n, strings.Join(names, ", "))
	}
	return usageErr("unknown verb %q; the verbs are %s", word, strings.Join(names, ", "))
}

// wantArgs wants between low and high words, and says what they are when it gets others.
func wantArgs(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= low && (high < 0 || len(args) <= high) {
			return nil
		}
		return usageErr("%s: want %s, got %d words; %q shows how", c.Name(), what, len(args), c.CommandPath()+" --help")
	}
}
