package events_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Every kind that is declared is listed.
func TestKinds(t *testing.T) {
	source, err := os.ReadFile("events.go")
	if err != nil {
		t.Fatal(err)
	}
	var declared []events.Kind
	for _, m := range regexp.MustCompile(`(?m)^\t[A-Z]\w*\s+Kind = "([^"]+)"`).FindAllSubmatch(source, -1) {
		declared = append(declared, events.Kind(m[1]))
	}
	if diff := cmp.Diff(declared, events.Kinds()); diff != "" || len(declared) == 0 {
		t.Errorf("kinds (-declared +listed):\n%s", diff)
	}
}
