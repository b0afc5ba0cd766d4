package builtin_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/targets/protocols/builtin"
)

var update = flag.Bool("update", false, "rewrite the generated part of docs/clients.md")

const (
	page   = "../../../docs/clients.md"
	marker = "<!-- From here on: go test ./targets/protocols/builtin -update -->\n"
)

// TestDocs compares docs/clients.md with the comments on the protocols and their settings.
func TestDocs(t *testing.T) {
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	by, generated, found := strings.Cut(string(written), marker)
	if !found {
		t.Fatalf("%s has no line %s", page, marker)
	}
	var want strings.Builder
	for _, name := range builtin.Names() {
		p := packageDoc(t, name)
		fmt.Fprintf(&want, "\n## `%s`\n\n%s", name, p.Markdown(p.Doc))
		for _, s := range p.Types {
			want.WriteString(settingsTable(t, s))
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(by+marker+want.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want.String(), generated); diff != "" {
		t.Errorf("%s is not what the comments say; run this test with -update (-want +got):\n%s", page, diff)
	}
}

// TestExamplesOfDocs decodes the examples of docs/clients.md as a target file's client section is.
func TestExamplesOfDocs(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for i, part := range strings.Split(string(text), "```yaml\n")[1:] {
		example, _, _ := strings.Cut(part, "```")
		var file struct {
			Client struct {
				Protocol string
				With     map[string]any
			}
		}
		if err := yaml.UnmarshalWithOptions([]byte(example), &file, yaml.Strict()); err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		s, err := builtin.Settings(file.Client.Protocol)
		if err != nil {
			t.Fatalf("example %d: %v", i, err)
		}
		with, err := yaml.Marshal(file.Client.With)
		if err != nil {
			t.Fatal(err)
		}
		if err := yaml.UnmarshalWithOptions(with, s, yaml.Strict()); err != nil {
			t.Errorf("example %d: %v", i, err)
		} else if err := s.Validate(); err != nil {
			t.Errorf("example %d: %v", i, err)
		}
		seen[file.Client.Protocol] = true
	}
	for _, name := range builtin.Names() {
		if !seen[name] {
			t.Errorf("there is no example of %s", name)
		}
	}
}

// packageDoc reads the comments of a protocol's package.
func packageDoc(t *testing.T, name string) *doc.Package {
	t.Helper()
	set := token.NewFileSet()
	paths, err := filepath.Glob("../" + name + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	p, err := doc.NewFromFiles(set, files, "protocols/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// settingsTable has a row for each field of a type that is decoded from YAML, and is empty for other types.
func settingsTable(t *testing.T, of *doc.Type) string {
	t.Helper()
	var rows strings.Builder
	for _, spec := range of.Decl.Specs {
		s, ok := spec.(*ast.TypeSpec).Type.(*ast.StructType)
		if !ok {
			continue
		}
		for _, f := range s.Fields.List {
			if f.Tag == nil {
				continue
			}
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			field, _, _ := strings.Cut(reflect.StructTag(tag).Get("yaml"), ",")
			if field == "" {
				continue
			}
			text := strings.Join(strings.Fields(f.Doc.Text()), " ")
			fmt.Fprintf(&rows, "| `%s` | %s |\n", field, strings.ReplaceAll(text, "|", `\|`))
		}
	}
	if rows.Len() == 0 {
		return ""
	}
	return fmt.Sprintf("\n%s\n| field of %s | |\n|---|---|\n%s", strings.TrimSpace(strings.Join(strings.Fields(of.Doc), " "))+"\n", of.Name, rows.String())
}
