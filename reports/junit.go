package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/record"
)

// The elements of JUnit's XML that CI servers read.
type (
	junitSuites struct {
		XMLName  xml.Name   `xml:"testsuites"`
		Name     string     `xml:"name,attr"`
		Tests    int        `xml:"tests,attr"`
		Failures int        `xml:"failures,attr"`
		Errors   int        `xml:"errors,attr"`
		Time     string     `xml:"time,attr"`
		Suite    junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name       string          `xml:"name,attr"`
		Tests      int             `xml:"tests,attr"`
		Failures   int             `xml:"failures,attr"`
		Errors     int             `xml:"errors,attr"`
		Skipped    int             `xml:"skipped,attr"`
		Time       string          `xml:"time,attr"`
		Timestamp  string          `xml:"timestamp,attr"`
		Properties []junitProperty `xml:"properties>property"`
		Cases      []junitCase     `xml:"testcase"`
	}
	junitProperty struct {
		Name  string `xml:"name,attr"`
		Value string `xml:"value,attr"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitProblem `xml:"failure"`
		Error   *junitProblem `xml:"error"`
		Out     string        `xml:"system-out,omitempty"`
	}
	junitProblem struct {
		Type    string `xml:"type,attr"`
		Message string `xml:"message,attr"`
		Text    string `xml:",chardata"`
	}
)

// JUnit writes the run as a test suite with one case for each finding. A finding that fails is
// a failure; one that is unknown or vacuous is an error, because the check proved nothing.
//
// A run that is expected to fail, and does, is green as a suite: its findings
// are cases without failures, and one more case has the expected
// verdict. When another verdict came, that case fails.
func JUnit(w io.Writer, r *record.Run) error {
	h := headlineOf(r)
	s := junitSuite{
		Name: clean(r.Scenario), Time: seconds(frameOf(r).To),
		Timestamp: r.Started.UTC().Format("2006-01-02T15:04:05"), Properties: junitProperties(r),
	}
	class := "holdfast." + clean(r.Scenario)
	if j := r.Result; j == nil {
		s.Cases = append(s.Cases, junitCase{
			Name: "judged", Class: class, Time: "0",
			Error: &junitProblem{Type: string(record.Unknown), Message: h.Description, Text: h.Description},
		})
	} else {
		expected := isNegativeControl(j)
		for _, f := range j.Findings {
			s.Cases = append(s.Cases, caseOf(f, class, j, expected))
		}
		if expected {
			c := junitCase{Name: "expected verdict", Class: class, Time: "0", Out: h.Expected}
			if h.Surprise {
				c.Failure, c.Out = &junitProblem{Type: "expected-" + clean(string(j.Expected)), Message: h.Expected, Text: h.Description}, ""
			}
			s.Cases = append(s.Cases, c)
		}
	}
	for _, c := range s.Cases {
		s.Tests++
		if c.Failure != nil {
			s.Failures++
		}
		if c.Error != nil {
			s.Errors++
		}
	}
	doc := junitSuites{Name: "holdfast", Tests: s.Tests, Failures: s.Failures, Errors: s.Errors, Time: s.Time, Suite: s}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(doc); err != nil {
		return fmt.Errorf("encode junit of run %s: %w", r.ID, err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// isNegativeControl reports whether the scenario expects another verdict than pass.
func isNegativeControl(j *record.Result) bool {
	return j.Expected != "" && j.Expected != record.Pass
}

func caseOf(f record.Finding, class string, j *record.Result, expected bool) junitCase {
	c := junitCase{Name: clean(f.Check), Class: class, Time: "0"}
	if f.Check == "rto" && j.RTO != nil {
		c.Time = seconds(j.RTO.Worst)
	}
	text := clean(f.Description)
	evidence, more := listed(f.Evidence, maxEvidence)
	if len(evidence) > 0 {
		text += "\n" + strings.Join(evidence, "\n")
	}
	if more > 0 {
		text += fmt.Sprintf("\nand %d more in verdict.json", more)
	}
	kind := clean(string(f.Verdict))
	if f.Cause != "" {
		kind += "-" + clean(string(f.Cause)) // so that a CI server can tell the machine's doing from the system's
	}
	t := &junitProblem{Type: kind, Message: clean(f.Description), Text: text}
	switch {
	case f.Verdict == record.Pass:
		c.Out = text
	case expected && j.AsExpected():
		c.Out = fmt.Sprintf("%s, in a run that was expected to come out %s: %s", clean(string(f.Verdict)), clean(string(j.Expected)), text)
	case f.Verdict == record.Fail:
		c.Failure = t
	default:
		c.Error = t
	}
	return c
}

// junitProperties are the figures. What was not measured is left out.
func junitProperties(r *record.Run) []junitProperty {
	out := []junitProperty{
		{"run", clean(r.ID)},
		{"runtime", clean(r.Runtime)},
		{"seed", strconv.FormatUint(r.Seed, 10)},
		{"target", clean(r.Target)},
	}
	add := func(name, value string) { out = append(out, junitProperty{name, value}) }
	if r.AbortReason != "" {
		add("abort_reason", clean(r.AbortReason))
	}
	j := r.Result
	if j == nil {
		return out
	}
	add("verdict", clean(string(j.Verdict)))
	for i, a := range r.Earlier {
		add("attempt_"+strconv.Itoa(i+1), clean(fmt.Sprintf("%s %s, cause %s", a.Run, a.Verdict, a.Cause)))
	}
	if j.Cause != "" {
		add("cause", clean(string(j.Cause)))
	}
	add("expected", clean(string(j.Expected)))
	if o := j.RTO; o != nil && len(o.Series) > 0 {
		add("rto_recovered", strconv.FormatBool(o.Recovered))
		if o.Recovered && measured(findingOf(r, "rto")) {
			add("rto_ms", millis(o.Worst))
		}
		add("rto_objective_ms", millis(o.Objective))
	}
	if o := j.RPO; o != nil {
		if n := lostCount(o); n > 0 || measured(findingOf(r, "rpo")) {
			add("rpo_lost", strconv.Itoa(n))
		}
		add("rpo_objective", strconv.Itoa(o.Objective))
	}
	if l := j.Lateness; l != nil {
		add("sent_late", strconv.Itoa(l.Late))
		add("lateness_p99_ms", millis(l.P99))
	}
	if a := j.Availability; a != nil {
		add("availability", strconv.FormatFloat(a.Overall, 'f', 6, 64))
	}
	return out
}

func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

func seconds(d time.Duration) string { return strconv.FormatFloat(max(d, 0).Seconds(), 'f', 3, 64) }
