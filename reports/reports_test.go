package reports

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// formats are all reports, by the ending of their golden files.
var formats = map[string]func(io.Writer, *record.Run) error{
	"html": HTML,
	"xml":  JUnit,
	"md":   Summary,
	"txt":  func(w io.Writer, r *record.Run) error { return Terminal(w, r, "runs/"+clean(r.ID)[:8], false) },
}

func TestGolden(t *testing.T) {
	for name, r := range fixtures() {
		for ending, write := range formats {
			t.Run(name+"."+ending, func(t *testing.T) {
				var got bytes.Buffer
				if err := write(&got, r); err != nil {
					t.Fatal(err)
				}
				path := filepath.Join("testdata", name+"."+ending)
				if *update {
					if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
						t.Fatal(err)
					}
				}
				want, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got.String(), "\n")); diff != "" {
					t.Errorf("%s differs; look at it, then run with -update (-want +got):\n%s", path, diff)
				}
			})
		}
	}
}

// A foreign string must never become markup, an XML error or a terminal command.
func TestHostileStringsStayStrings(t *testing.T) {
	r := hostile()
	for ending, write := range formats {
		var b bytes.Buffer
		if err := write(&b, r); err != nil {
			t.Fatalf("%s: %v", ending, err)
		}
		s := b.String()
		if !utf8.ValidString(s) {
			t.Errorf("%s is not valid UTF-8", ending)
		}
		if i := strings.IndexAny(s, "\x00\x1b\u202e"); i >= 0 {
			t.Errorf("%s holds a control character at byte %d", ending, i)
		}
		if ending != "txt" && (strings.Contains(s, "<script") || strings.Contains(s, "<img")) {
			t.Errorf("%s lets markup through", ending)
		}
		if !strings.Contains(s, "script") {
			t.Errorf("%s lost the text it should have quoted", ending)
		}
	}
}

func TestJUnitIsWellFormed(t *testing.T) {
	for name, r := range fixtures() {
		var b bytes.Buffer
		if err := JUnit(&b, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var doc junitSuites
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(doc.Suite.Cases) != doc.Suite.Tests || doc.Suite.Tests == 0 {
			t.Errorf("%s: %d cases, tests=%d", name, len(doc.Suite.Cases), doc.Suite.Tests)
		}
	}
}

// What CI makes of a run: red exactly when the run did not come out as expected.
func TestJUnitIsRedWhenTheVerdictIsNotTheExpectedOne(t *testing.T) {
	surprising := passing()
	surprising.Result.Expected = record.Fail
	failing := lost()
	failing.Result.Expected, failing.Result.ExpectedFailures = record.Pass, nil
	for name, c := range map[string]struct {
		run  *record.Run
		want [2]bool // failures, errors
	}{
		"pass":                       {passing(), [2]bool{false, false}},
		"fail":                       {failing, [2]bool{true, false}},
		"expected fail and did":      {lost(), [2]bool{false, false}},
		"failed beside its promise":  {beside(), [2]bool{true, false}},
		"expected fail and passed":   {surprising, [2]bool{true, false}},
		"unknown and vacuous":        {undecided(), [2]bool{false, true}},
		"interrupted and not judged": {interrupted(), [2]bool{false, true}},
	} {
		var b bytes.Buffer
		if err := JUnit(&b, c.run); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var doc junitSuites
		if err := xml.Unmarshal(b.Bytes(), &doc); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got := [2]bool{doc.Suite.Failures > 0, doc.Suite.Errors > 0}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: failures, errors (-want +got):\n%s", name, diff)
		}
	}
}

// folder is a Folder that is not locked.
type folder string

func (f folder) WriteFile(name string, content []byte) error {
	return os.WriteFile(filepath.Join(string(f), name), content, 0o644)
}

func TestWriteLeavesAllFilesAndAppendsTheSummary(t *testing.T) {
	dir := t.TempDir()
	step := filepath.Join(dir, "step.md")
	if err := os.WriteFile(step, []byte("before\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Write(folder(dir), passing(), step); err != nil {
		t.Fatal(err)
	}
	var got []string
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if diff := cmp.Diff([]string{JUnitFile, HTMLFile, "step.md", SummaryFile}, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	sum, _ := os.ReadFile(filepath.Join(dir, SummaryFile))
	all, _ := os.ReadFile(step)
	if diff := cmp.Diff("before\n"+string(sum), string(all)); diff != "" {
		t.Errorf("step summary (-want +got):\n%s", diff)
	}
}

func TestWriteNamesWhatItCouldNotWrite(t *testing.T) {
	err := Write(folder(filepath.Join(t.TempDir(), "missing")), passing(), "")
	if !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("got %v, want not exist", err)
	}
	for _, f := range []string{HTMLFile, JUnitFile, SummaryFile} {
		if !strings.Contains(err.Error(), "write "+f) {
			t.Errorf("%q does not name %s", err, f)
		}
	}
}

// The same record gives the same bytes: nothing depends on the order of a map or on a clock.
func TestReportsAreDeterministic(t *testing.T) {
	for ending, write := range formats {
		var first bytes.Buffer
		for i := range 5 {
			var b bytes.Buffer
			if err := write(&b, hostile()); err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = b
			} else if !bytes.Equal(first.Bytes(), b.Bytes()) {
				t.Fatalf("%s differs from one writing to the next", ending)
			}
		}
	}
}

// A million operations and as many errors still make a page that opens at once.
func TestMillionOperationsMakeASmallPage(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a million operations")
	}
	r := skeleton()
	const n = 1_000_000
	r.Phases[3].To, r.Phases[2].To = 4*time.Hour, time.Hour
	regions := r.Topology.Regions()
	for i := range n {
		op := history.Op{ID: int64(i), Region: regions[i%3], Kind: history.Write, Key: "k", Intended: time.Duration(i) * 12 * ms, Outcome: history.OK}
		if i%2 == 0 {
			op.Kind = history.Read
		}
		if i%7 == 0 {
			op.Outcome, op.Error = history.Unknown, "timeout"
		}
		op.Return = op.Intended + time.Duration(i%977)*ms
		r.Ops = append(r.Ops, op)
	}
	for i := range 50_000 {
		r.Events = append(r.Events, record.Event{At: time.Duration(i) * 100 * ms, Source: record.FromPlatform, Kind: "elected", Description: strings.Repeat("x", 200)})
	}
	start := time.Now()
	var b bytes.Buffer
	if err := HTML(&b, r); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d operations: %d kB in %v", n, b.Len()>>10, time.Since(start))
	if b.Len() > 2<<20 {
		t.Errorf("report.html has %d bytes, want at most 2 MiB", b.Len())
	}
}

// The filter of the events is made of rules in the style sheet, one for each source.
func TestEverySourceOfEventsCanBeFiltered(t *testing.T) {
	css, err := files.ReadFile("templates/report.css")
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range record.EventSources() {
		if rule := fmt.Sprintf("#events:has(#show-%s:not(:checked)) .from-%[1]s", s); !strings.Contains(string(css), rule) {
			t.Errorf("the style sheet has no rule %q", rule)
		}
	}
}
