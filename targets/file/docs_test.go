package file_test

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/targets/file"
)

// The page has each field of the file in the table of its section, and no other.
func TestManualHasEveryField(t *testing.T) {
	page, err := os.ReadFile("../../docs/target-files.md")
	if err != nil {
		t.Fatal(err)
	}
	for heading, of := range map[string]reflect.Type{
		"## The file": reflect.TypeFor[file.Document](), "### Services": reflect.TypeFor[file.Service](),
		"### Client": reflect.TypeFor[file.Client](), "### Roles": reflect.TypeFor[file.Role](),
	} {
		_, section, ok := strings.Cut(string(page), heading+"\n")
		if !ok {
			t.Fatalf("no heading %q", heading)
		}
		section, _, _ = strings.Cut(section, "\n##")
		section, _, _ = strings.Cut(section, "\n| template")
		got := map[string]bool{}
		for _, row := range regexp.MustCompile("(?m)^\\| `([a-zA-Z]+)` \\|").FindAllStringSubmatch(section, -1) {
			got[row[1]] = true
		}
		want := map[string]bool{}
		for f := range of.Fields() {
			if name := yamlfile.FieldName(f); name != "" {
				want[name] = true
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("fields under %q (-code +page):\n%s", heading, diff)
		}
	}
}

// The file that the page shows can be read, and is the one in examples.
func TestManualShowsTheExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/target-files.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindStringSubmatch(string(page))
	if shown == nil {
		t.Fatal("the page shows no file")
	}
	example, err := os.ReadFile("../../examples/redis/redis.target.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.Parse("shown.target.yaml", []byte(shown[1])); err != nil {
		t.Error(err)
	}
	var code []string
	for line := range strings.Lines(string(example)) {
		if !strings.HasPrefix(line, "#") {
			code = append(code, line)
		}
	}
	if diff := cmp.Diff(strings.Join(code, ""), shown[1]); diff != "" {
		t.Errorf("the page's file is not the example (-example +page):\n%s", diff)
	}
}
