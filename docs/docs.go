// Package docs carries the manual of the scenario language into the command, so that what a
// reader of the manual, an editor and "holdfast explain" are told of a field is one text.
package docs

import _ "embed"

// WritingScenarios is docs/writing-scenarios.md.
//
//go:embed writing-scenarios.md
var WritingScenarios string
