package scenarios

import (
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/record"
)

//go:embed *.yaml
var library embed.FS

// Library returns the scenarios that come with holdfast, sorted by name. It leaves out a file that
// cannot be read; the tests of this package fail when there is one.
func Library() []Scenario {
	var out []Scenario
	for _, name := range Names() {
		if s, err := Load(name); err == nil {
			out = append(out, s)
		}
	}
	return out
}

// Names lists the names of the library's scenarios, sorted.
func Names() []string {
	files, _ := fs.Glob(library, "*.yaml") // the pattern is good
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".yaml")
	}
	slices.Sort(files)
	return files
}

// Load reads a scenario, from the library by its name or from a file by its path. The error is a
// Diagnostics for a file with mistakes.
func Load(pathOrName string) (Scenario, error) {
	if data, err := Source(pathOrName); err == nil {
		return Parse(pathOrName+".yaml", data)
	}
	f, err := os.Open(pathOrName)
	if err != nil {
		if isPath(pathOrName) {
			return Scenario{}, fmt.Errorf("read scenario: %w", err)
		}
		return Scenario{}, Diagnostic{
			File: pathOrName, Message: "is neither a file nor a scenario of the library", Suggestion: suggest.Closest(pathOrName, Names()),
		}
	}
	defer f.Close()
	data := make([]byte, maxFile+1)
	n := 0
	for n < len(data) {
		m, err := f.Read(data[n:])
		n += m
		if err != nil {
			break
		}
	}
	return Parse(pathOrName, data[:n])
}

// Source returns the text of a scenario of the library with its comments.
func Source(name string) ([]byte, error) { return library.ReadFile(name + ".yaml") }

func isPath(s string) bool {
	return strings.ContainsRune(s, filepath.Separator) || filepath.Ext(s) != ""
}

// Parse reads a scenario strictly. File is the name that errors give. The error is a
// Diagnostics with everything that is wrong. Names of regions, nodes and services
// are checked by Resolve, when the topology is known.
func Parse(file string, data []byte) (Scenario, error) {
	src := &diagnosticCollector{file: file, positions: map[string]position{}}
	s := Scenario{source: src}
	if len(data) > maxFile {
		src.report("", fmt.Sprintf("is longer than %d KiB", maxFile>>10), "")
		return Scenario{}, src.err()
	}
	decoder{src}.decodeDocument(data, &s)
	s.ExpectedFailures = record.CanonicalChecks(s.ExpectedFailures)
	if !slices.ContainsFunc(src.diagnostics, func(p Diagnostic) bool { return p.Field == "" }) {
		s.validate(src) // the file is a YAML mapping
	}
	if err := src.err(); err != nil {
		return Scenario{}, err
	}
	if s.Target == "" {
		s.Target = "mcp"
	}
	for i, step := range s.Steps {
		e, _ := faults.Find(step.Fault) // validate has checked the name
		if step.With == nil {
			s.Steps[i].With = e.New()
		}
		if step.For == 0 {
			s.Steps[i].For = e.For
		}
	}
	return s, nil
}
