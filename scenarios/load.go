package scenarios

import (
	"bytes"
	"cmp"
	"embed"
	"fmt"
	"io"
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
	s, _, err := LoadSource(pathOrName)
	return s, err
}

// LoadSource is Load, and returns the text of the scenario as well. The file is read
// once: it may be a pipe, such as the shell's <(…).
func LoadSource(pathOrName string) (Scenario, []byte, error) {
	if data, err := Source(pathOrName); err == nil {
		s, err := Parse(pathOrName+".yaml", data)
		return s, data, err
	}
	f, err := os.Open(pathOrName)
	if err != nil {
		if isPath(pathOrName) {
			return Scenario{}, nil, fmt.Errorf("read scenario: %w", err)
		}
		return Scenario{}, nil, Diagnostic{
			File: pathOrName, Message: "is neither a file nor a scenario of the library", Suggestion: suggest.Closest(pathOrName, Names()),
		}
	}
	defer f.Close()
	if is, err := f.Stat(); err == nil && is.IsDir() {
		return Scenario{}, nil, Diagnostic{File: pathOrName, Message: "is a directory; name a scenario file in it"}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return Scenario{}, nil, fmt.Errorf("read scenario: %w", err)
	}
	s, err := Parse(pathOrName, data)
	return s, data, err
}

// Source returns the text of a scenario of the library with its comments.
func Source(name string) ([]byte, error) { return library.ReadFile(name + ".yaml") }

func isPath(s string) bool {
	return strings.ContainsRune(s, filepath.Separator) || filepath.Ext(s) != ""
}

const byteOrderMark = "\uFEFF"

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
	switch {
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		src.report("", "is UTF-16: save it as UTF-8", "")
		return Scenario{}, src.err()
	case bytes.HasPrefix(data, []byte(byteOrderMark)): // which some editors write, and YAML allows
		data = data[len(byteOrderMark):]
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
	walkSteps(s.Steps, "steps", func(_ string, d *StepSpec) {
		e, _ := faults.Find(d.Fault) // validate has checked the name
		if d.With == nil {
			d.With = e.New()
		}
		d.For = cmp.Or(d.For, e.For)
	})
	return s, nil
}
