package record

// Cause says who is responsible for a finding that is neither pass nor fail.
// A fail needs none: it is charged to the system under test and nobody else.
type Cause string

// The causes.
const (
	// CauseSystem: the system under test left open what was to be shown. A node that
	// answers no final read, for example, leaves the RPO open.
	CauseSystem Cause = "system"
	// CauseHarness: the framework itself failed or was late. A link proxy died,
	// the load generator was stopped, a heal did not work.
	CauseHarness Cause = "harness"
	// CauseEnvironment: the machine, its container engine or whoever uses the machine beside
	// the run kept it from showing anything, or somebody interrupted it.
	CauseEnvironment Cause = "environment"
	// CauseScenario: the scenario asks for what cannot be shown with it. Its load is too
	// thin, its baseline too short, or its fault struck nothing.
	CauseScenario Cause = "scenario"
)

// Causes lists the causes, first the one that a run should be examined for first.
func Causes() []Cause {
	return []Cause{CauseSystem, CauseHarness, CauseEnvironment, CauseScenario}
}

// Retriable reports whether carrying the run out again may show more: the machine
// may be free by then, and a fault may strike another node. What the system or the
// framework left open must be looked at instead.
func (c Cause) Retriable() bool { return c == CauseEnvironment || c == CauseScenario }

// WorstCause returns the cause of a run with these findings and this verdict: of the causes that
// its deciding findings name, the first in the order of Causes. It is empty for pass and fail.
func WorstCause(v Verdict, findings []Finding) Cause {
	if v == Pass || v == Fail {
		return ""
	}
	for _, c := range Causes() {
		for _, f := range findings {
			if f.Verdict == v && f.Cause == c {
				return c
			}
		}
	}
	return ""
}
