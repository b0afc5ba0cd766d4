package models

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/history/foreign"
	"github.com/mcp-resilience/holdfast/record"
)

// The published histories that come with Porcupine's module: 103 logs of Jepsen's etcd test and six of a
// key-value store. The answers are those that Porcupine's own tests expect.
func TestPublishedHistories(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skipf("the module is not in the cache: %v", err)
	}
	answers, err := os.ReadFile(filepath.Join(dir, "porcupine_test.go"))
	if err != nil {
		t.Skipf("the module is without its tests: %v", err)
	}
	type history struct {
		path  string
		model foreign.Model
		right bool
	}
	var all []history
	for _, m := range regexp.MustCompile(`checkJepsen\(t, (\d+), (true|false)\)`).FindAllStringSubmatch(string(answers), -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, history{filepath.Join(dir, "test_data", "jepsen", fmt.Sprintf("etcd_%03d.log", n)), foreign.CASRegister, m[2] == "true"})
	}
	if len(all) < 100 {
		t.Fatalf("%d answers for the logs of etcd, want about a hundred", len(all))
	}
	for _, name := range []string{"c01", "c10", "c50"} {
		for _, right := range []bool{true, false} {
			suffix := map[bool]string{true: "-ok.txt", false: "-bad.txt"}[right]
			all = append(all, history{filepath.Join(dir, "test_data", "kv", name+suffix), foreign.Append, right})
		}
	}
	verdicts := map[record.Verdict]int{}
	for _, h := range all {
		read, err := foreign.Read(h.path, h.model)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		r := Judge(t.Context(), h.model, read.Ops, Options{})
		verdicts[r.Verdict]++
		if want := map[bool]record.Verdict{true: record.Pass, false: record.Fail}[h.right]; r.Verdict != want {
			t.Errorf("%s: %s, want %s: %s", filepath.Base(h.path), r.Verdict, want, r.Description())
		}
		for _, v := range r.Violations {
			if len(v.Evidence) == 0 || len(v.Evidence) > 3 {
				t.Errorf("%s: evidence %q, want one to three lines", filepath.Base(h.path), v.Evidence)
			}
		}
	}
	t.Logf("%d histories: %v", len(all), verdicts)
}
