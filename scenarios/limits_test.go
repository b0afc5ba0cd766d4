package scenarios_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/harness/builtin"
	"github.com/mcp-resilience/holdfast/scenarios"
)

// What is too much is refused at once, with its place and the limit. Before,
// 64 KB of "steps: [1,1,…]" took 10 s and 30,000 brackets took 1.4 GB.
func TestTooMuchIsRefusedEarly(t *testing.T) {
	const fill = 60 << 10
	for name, tt := range map[string]struct{ file, want string }{
		"many steps":           {"name: x\nsteps: [" + strings.Repeat("1,", fill/2) + "1]", "f:2:1: steps: has 30721 entries, want at most 64"},
		"many labels":          {"name: x\nsteps: []\nlabels: [" + strings.Repeat("a,", fill/2) + "a]", "f:3:1: labels: has 30721 entries, want at most 1000"},
		"deep lists":           {"name: " + strings.Repeat("[", fill), "f:1:39: lists and mappings are nested more than 32 deep"},
		"deep mappings":        {"name: " + strings.Repeat("{a: ", fill/4), "are nested more than 32 deep"},
		"deep lists by dashes": {"name: x\nsteps:\n  " + strings.Repeat("- ", fill/2) + "1", "f:3:67: lists and mappings are nested more than 32 deep"},
		"deep keys":            {strings.Repeat("? ", fill/2) + "1", "are nested more than 32 deep"},
		"many unknown fields":  {"steps: []\n" + manyFields(fill), "is no field here"},
		"deep by indentation":  {deepByIndentation(fill), ""},
		"many faults":          {"name: x\nepisodes: 100\nsteps:\n" + strings.Repeat("  - {at: 0s, for: 1h, fault: kill, on: {role: leader}}\n", 64), "f:2:1: episodes: 100 episodes of 64 steps are 6400 faults, want at most 1000 in a run"},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			_, err := scenarios.Parse("f", []byte(tt.file))
			took := time.Since(began)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %.300v, want %q", err, tt.want)
			}
			if took > 5*time.Second {
				t.Errorf("it took %v", took)
			}
			if memory := (after.TotalAlloc - before.TotalAlloc) >> 20; memory > 300 {
				t.Errorf("it allocated %d MiB", memory)
			}
		})
	}
}

func manyFields(bytes int) string {
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		fmt.Fprintf(&b, "f%d: 1\n", i)
	}
	return b.String()
}

func deepByIndentation(bytes int) string {
	var b strings.Builder
	for i := 0; b.Len() < bytes; i++ {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// The largest plans that a file may ask for are shown in a moment. Before, 64 steps with
// roles in 100 episodes took over a minute and 2.2 GB.
func TestAPlanIsShownInAMoment(t *testing.T) {
	for name, step := range map[string]string{
		"leaders, all at once":           "{at: 0s, for: 1h, fault: kill, on: {role: leader}}",
		"followers, one after the other": "{at: %ds, for: 10m, fault: isolate, on: {role: follower}}",
		"leaders, one after the other":   "{at: %ds, for: 10m, fault: isolate, on: {role: leader}}",
	} {
		t.Run(name, func(t *testing.T) {
			file := "name: x\ntopology: {nodes: 5}\nepisodes: 15\nsteps:\n"
			for i := range 64 {
				if strings.Contains(step, "%d") {
					file += "  - " + fmt.Sprintf(step, i) + "\n"
				} else {
					file += "  - " + step + "\n"
				}
			}
			path := filepath.Join(t.TempDir(), "x.yaml")
			if err := os.WriteFile(path, []byte(file), 0o644); err != nil {
				t.Fatal(err)
			}
			j, err := builtin.Read(path, 1)
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			rows := j.Plan.Timeline()
			if took := time.Since(began); len(rows) != 2*15*64 || took > 20*time.Second {
				t.Errorf("%d rows in %v", len(rows), took)
			}
			t.Log(time.Since(began))
		})
	}
}

// What a user may hand over as a file, and what was said of it before: "did you mean name?"
// of a byte order mark, "has 0 documents" of a directory.
func TestUnusualFiles(t *testing.T) {
	s, err := scenarios.Parse("f", []byte("\uFEFFname: x\nsteps: []\n"))
	if err != nil || s.Name != "x" {
		t.Errorf("with a byte order mark: %q, %v", s.Name, err)
	}
	for file, want := range map[string]string{
		"\xff\xfen\x00": "f: is UTF-16: save it as UTF-8",
		"":              "f: is empty: it holds no scenario",
		"# nothing\n":   "f: is empty: it holds no scenario",
	} {
		if _, err := scenarios.Parse("f", []byte(file)); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", file, err, want)
		}
	}
	dir := t.TempDir()
	if _, err := scenarios.Load(dir); err == nil || err.Error() != dir+": is a directory; name a scenario file in it" {
		t.Errorf("a directory: %v", err)
	}
}

// A pipe can be read once, as the shell's <(…) can. Its text was not kept.
func TestThePipeIsKeptAsItWasRead(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	const text = "name: piped\nsteps: []\n"
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	j, err := builtin.Read(fmt.Sprintf("/dev/fd/%d", r.Fd()), 1)
	if err != nil || j.Plan.Scenario != "piped" || string(j.Source) != text {
		t.Errorf("got %q with source %q, %v", j.Plan.Scenario, j.Source, err)
	}
}

// A file from somebody else says nothing to a terminal or to a CI service.
func TestDiagnosticsArePrintable(t *testing.T) {
	for _, file := range []string{
		"name: x\n\"\\e[2J\\e]0;owned\\a\": 1\nsteps: []\n",
		"name: x\n\"\\n::error file=a::injected\": 1\nsteps: []\n",
		"name: \"\\n::error::x\"\nsteps: []\n",
		"name: x\nsteps:\n  - {at: 0s, for: 1s, fault: \"\\e[31mkill\", on: {region: \"\\n##[error]x\"}}\n",
	} {
		_, err := scenarios.Parse("f", []byte(file))
		if err == nil {
			t.Fatalf("%q was read", file)
		}
		for line := range strings.Lines(err.Error()) {
			if strings.ContainsAny(line, "\x1b\a") || strings.HasPrefix(strings.TrimSpace(line), "::") || strings.Contains(line, "##[") {
				t.Errorf("%q is printed", line)
			}
		}
	}
}
