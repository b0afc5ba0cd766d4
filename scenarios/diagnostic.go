package scenarios

import "github.com/mcp-resilience/holdfast/internal/yamlfile"

// Diagnostic is one thing that is wrong with a scenario file, with its place.
type Diagnostic = yamlfile.Diagnostic

// Diagnostics is all that is wrong with a scenario, in the order of the file.
type Diagnostics = yamlfile.Diagnostics

// Diagnostic is the error of a field in which the caller, and not this package, has
// found a mistake, such as an unknown target. It carries the field's position in the file.
func (s Scenario) Diagnostic(field, message, suggestion string) error {
	src := yamlfile.NewSource(s.Name)
	if s.source != nil {
		src = s.source.Positions()
	}
	src.Report(field, message, suggestion)
	return src.Err()
}
