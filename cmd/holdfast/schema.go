package main

import (
	"github.com/spf13/cobra"

	"github.com/mcp-resilience/holdfast/scenarios"
)

func (a *app) schemaVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "schema",
		Short: "Print the JSON Schema of scenario files, for editors",
		Long: `Schema prints the JSON Schema (draft 7) of scenario files. An editor that knows
yaml-language-server completes and checks a file that begins with the line

  ` + scenarios.SchemaComment("scenario.schema.json") + `

where the path is that of the schema, relative to the file. The schema knows the shape
of a file. What depends on several fields or on the topology only "holdfast plan" finds.`,
		Example: "  holdfast schema > scenario.schema.json",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			_, err := unfiltered(a.out).Write(scenarios.Schema())
			return err
		},
	}
}
