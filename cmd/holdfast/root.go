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

	"github.com/mcp-resilience/holdfast/internal/printable"
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
	out, errs := &printable.Writer{To: os.Stdout}, &printable.Writer{To: os.Stderr}
	status := (&app{out: out, err: errs}).main(context.Background(), args)
	if err := errors.Join(out.Flush(), errs.Flush()); err != nil && status == 0 {
		return exitEnvironment
	}
	return status
}

func (a *app) main(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	root.SetOut(a.out)
	root.SetErr(a.err)
	err := root.ExecuteContext(ctx)
	if status, ok := errors.AsType[*exitError](err); err != nil && !(ok && status.err == nil) {
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

` + exitHelp,
		Example: `  holdfast run lose-main-region        the first drill
  holdfast plan kill-leader            what would happen, and whether a quorum would survive
  holdfast replay last                 the last run again`,
		SilenceUsage:               true,
		SilenceErrors:              true,
		SuggestionsMinimumDistance: 2, // cobra's own default, which it sets too late for SuggestionsFor
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownVerb(c, args[0])
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	cobra.EnableCommandSorting = false // the order of verbs is ours
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(unknownFlag)
	f := root.PersistentFlags()
	f.StringVar(&a.runs, "runs", "runs", "folder of run directories")
	f.BoolVar(&a.json, "json", false, "print JSON on standard output, for programs to read")
	f.BoolVar(&a.plain, "plain", false, "print timestamped lines instead of the live view")
	root.AddCommand(a.verbs()...)
	root.SetHelpCommand(helpVerb(root))
	return root
}

// verbs lists all there are, in the order in which a user meets them.
func (a *app) verbs() []*cobra.Command {
	return []*cobra.Command{
		a.runVerb(),
		a.planVerb(),
		a.listVerb(),
		a.explainVerb(),
		a.schemaVerb(),
		a.recheckVerb(),
		a.checkVerb(),
		a.targetVerb(),
		a.replayVerb(),
		a.compareVerb(),
		a.reportVerb(),
		a.tabletopVerb(),
		a.dueVerb(),
		a.doctorVerb(),
		a.cleanVerb(),
		a.versionVerb(),
	}
}

func helpVerb(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [VERB]", Short: "Help about a verb", Example: "  holdfast help replay",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			if sub, _, err := root.Find(args); err == nil && sub != root {
				return sub.Help()
			}
			return unknownVerb(root, args[0])
		},
	}
}

// unknownVerb is the error of a word that is none of the command's verbs, with
// cobra's suggestions.
func unknownVerb(c *cobra.Command, word string) error {
	var names, near []string
	for _, v := range c.Commands() {
		if v.IsAvailableCommand() {
			names = append(names, v.Name())
		}
	}
	for _, s := range c.SuggestionsFor(word) {
		near = append(near, fmt.Sprintf("%q", s))
	}
	if len(near) > 0 {
		return usageErr("unknown verb %q; did you mean %s? The verbs are %s", word, strings.Join(near, " or "), strings.Join(names, ", "))
	}
	return usageErr("unknown verb %q; the verbs are %s", word, strings.Join(names, ", "))
}

// unknownFlag adds the nearest flag to the error of one that does not exist.
func unknownFlag(c *cobra.Command, err error) error {
	hint := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var names []string
		c.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
		if n := suggest.Closest(unknown.GetSpecifiedName(), names); n != "" {
			hint = "; did you mean --" + n + "?"
		}
	}
	return usageErr("%s: %v%s; %q shows the flags", c.Name(), err, hint, c.CommandPath()+" --help")
}

// wantArgs requires between low and high arguments (no upper bound where high is
// negative), and says what they are when there are more or fewer.
func wantArgs(low, high int, what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) >= low && (high < 0 || len(args) <= high) {
			return nil
		}
		return usageErr("%s: want %s, got %d arguments; %q shows how", c.Name(), what, len(args), c.CommandPath()+" --help")
	}
}

// unknownValue is the error of a flag or argument that is none of the known values.
func unknownValue(what, got string, known []string) error {
	hint := ""
	if n := suggest.Closest(got, known); n != "" {
		hint = fmt.Sprintf("; did you mean %q?", n)
	}
	return usageErr("%s: %q is none of %s%s", what, got, strings.Join(known, ", "), hint)
}
