package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/charmbracelet/x/ansi"
	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/scenarios"
)

func (a *app) explainVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "explain [FIELD]",
		Short: "Explain a field of scenario files",
		Long: `Explain prints what a field of a scenario file means, which values it takes and what
counts when it is left out, in the words of docs/writing-scenarios.md. A field is named
by its path without indices. The settings of a fault are steps.with.FAULT. Without a
field it lists those of the file.`,
		Example: "  holdfast explain steps.on.count\n  holdfast explain objectives\n  holdfast explain steps.with.latency",
		Args:    wantArgs(0, 1, "at most one field, such as steps.on.count"),
		RunE: func(_ *cobra.Command, args []string) error {
			f, err := scenarios.Explain(strings.Join(args, ""))
			if err != nil {
				return usageErr("explain: %w", err)
			}
			if a.json {
				return printJSON(a.out, f)
			}
			return printField(a.out, f)
		},
	}
}

// explainWidth is how wide explanations are printed.
const explainWidth = 96

// printField prints a field in the layout of kubectl explain.
func printField(w io.Writer, f scenarios.Field) error {
	path := f.Path
	if path == "" {
		path = "a scenario"
	}
	fmt.Fprintf(w, "FIELD: %s <%s>\n\n", path, fieldType(f))
	fmt.Fprintf(w, "DESCRIPTION:\n%s\n", indented(f.Description))
	for _, part := range []struct{ head, text string }{
		{"WHEN LEFT OUT", f.LeftOut},
		{"VALUES", strings.Join(f.Values, ", ")},
		{"RANGE", f.Range},
		{"FORMER NAME", strings.Join(f.Former, ", ")},
	} {
		if part.text != "" {
			fmt.Fprintf(w, "\n%s:\n%s\n", part.head, indented(part.text))
		}
	}
	for _, group := range []struct {
		head   string
		fields []scenarios.Field
	}{{"FIELDS", f.Fields}, {"FIELDS BY FAULT", f.With}} {
		if len(group.fields) == 0 {
			continue
		}
		fmt.Fprintf(w, "\n%s:\n", group.head)
		t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, in := range group.fields {
			description := in.Description
			if description == f.Description { // the manual has no row of its own
				description = ""
			}
			fmt.Fprintf(t, "  %s\t<%s>\t%s\n", in.Name, fieldType(in), firstSentence(description))
		}
		if err := t.Flush(); err != nil {
			return err
		}
	}
	return nil
}

func fieldType(f scenarios.Field) string {
	kind, _, _ := strings.Cut(f.Type, ",")
	if f.List {
		kind = "list of " + kind
	}
	if f.Required {
		kind += ", required"
	}
	return kind
}

// firstSentence is the beginning of a description, short enough for a line of a table.
func firstSentence(text string) string {
	first, _, _ := strings.Cut(text, ". ")
	first, _, _ = strings.Cut(first, "; ")
	return ansi.Truncate(strings.TrimSuffix(first, "."), explainWidth, "…")
}

func indented(text string) string {
	return "    " + strings.ReplaceAll(ansi.Wrap(text, explainWidth, ""), "\n", "\n    ")
}
