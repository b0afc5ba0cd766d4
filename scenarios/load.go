package scenarios

import (
	"cmp"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
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

// LoadSource is Load, and returns the text of the scenario as well. Of a file with a matrix it is the first scenario.
func LoadSource(pathOrName string) (Scenario, []byte, error) {
	all, data, err := LoadAll(pathOrName)
	if err != nil {
		return Scenario{}, data, err
	}
	return all[0], data, nil
}

// LoadAll reads all scenarios of a file, which are several where it has a matrix, and its text. The file is read
// once: it may be a pipe, such as the shell's <(…).
func LoadAll(pathOrName string) ([]Scenario, []byte, error) {
	if data, err := Source(pathOrName); err == nil {
		all, err := parseAll(pathOrName+".yaml", data, nil)
		return all, data, err
	}
	f, err := os.Open(pathOrName)
	if err != nil {
		if isPath(pathOrName) {
			return nil, nil, fmt.Errorf("read scenario: %w", err)
		}
		return nil, nil, Diagnostic{
			File: pathOrName, Message: "is neither a file nor a scenario of the library", Suggestion: suggest.Closest(pathOrName, Names()),
		}
	}
	defer f.Close()
	if is, err := f.Stat(); err == nil && is.IsDir() {
		return nil, nil, Diagnostic{File: pathOrName, Message: "is a directory; name a scenario file in it"}
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, nil, fmt.Errorf("read scenario: %w", err)
	}
	all, err := parseAll(pathOrName, data, openBeside(pathOrName))
	return all, data, err
}

// Source returns the text of a scenario of the library with its comments.
func Source(name string) ([]byte, error) { return library.ReadFile(name + ".yaml") }

func isPath(s string) bool {
	return strings.ContainsRune(s, filepath.Separator) || filepath.Ext(s) != ""
}

// Parse reads a scenario strictly. File is the name that errors give. The error is a
// Diagnostics with everything that is wrong. Names of regions, nodes and services
// are checked by Resolve, when the topology is known. Of a file with a matrix it returns the first scenario.
func Parse(file string, data []byte) (Scenario, error) {
	all, err := ParseAll(file, data)
	if err != nil {
		return Scenario{}, err
	}
	return all[0], nil
}

// ParseAll reads all scenarios of a file: one for each combination of the parameters in its matrix.
func ParseAll(file string, data []byte) ([]Scenario, error) { return parseAll(file, data, nil) }

func parseAll(file string, data []byte, open opener) ([]Scenario, error) {
	src, body := yamlfile.Parse(file, data, fileOptions)
	if body == nil {
		return nil, src.Err()
	}
	all := combinations(src, readMatrix(src, body))
	if err := src.Err(); err != nil {
		return nil, err
	}
	var out []Scenario
	for i, c := range all {
		s, err := parseOne(file, body, c, open, i == len(all)-1)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

// parseOne reads the scenario of one combination of parameters. The last of them shows which are never used.
func parseOne(file string, body ast.Node, c *combination, open opener, last bool) (Scenario, error) {
	src := yamlfile.NewSource(file)
	s := Scenario{source: src}
	src.DecodeNode(body, &s, c.options())
	s.useShared(src, c, open)
	if last {
		c.reportUnused(src)
	}
	s.Parameters = c.parameters()
	s.ExpectedFailures = record.CanonicalChecks(s.ExpectedFailures)
	if src.Readable() {
		s.validate(src)
	}
	if err := src.Err(); err != nil {
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

// settingsOf makes the settings of the fault that a step names; they are read from its
// field `with`.
func settingsOf(step reflect.Value) (any, bool) {
	f, err := faults.New(step.FieldByName("Fault").String())
	return f, err == nil // validate reports an unknown fault
}

// fileOptions are how scenario files are read.
var fileOptions = yamlfile.Options{
	Noun: "scenario", MaxBytes: maxFile, CurrentName: currentName, Choose: settingsOf,
	MaxEntries: func(of reflect.Type) int {
		if of == stepType {
			return maxSteps
		}
		return 0
	},
}

// options are fileOptions with the values of the combination.
func (c *combination) options() yamlfile.Options {
	o := fileOptions
	o.Substitute = c.substitute
	return o
}
