package drill

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/onsi/gomega/types"

	"github.com/mcp-resilience/holdfast/record"
)

// sound are the findings, beside those on faults, without which no figure of a
// run means anything.
var sound = []string{"run", "every kind succeeds"}

// RecoverWithin succeeds when every client region that could reach a majority
// had stable service again at most d after the fault was requested.
func RecoverWithin(d time.Duration) types.GomegaMatcher {
	return &matcher{
		promises: []string{"rto"}, wants: fmt.Sprintf("recover within %v", d),
		holds: func(j *record.Result) (bool, error) {
			if j.RTO == nil {
				return false, errors.New("no recovery time was measured")
			}
			return j.RTO.Recovered && j.RTO.Worst <= d, nil
		},
		figures: func(r *Result) []string { return rtoFigures(r.Result.RTO) },
	}
}

// LoseNothing succeeds when every acknowledged write was read back, nothing
// was read back that nobody wrote, and all nodes agree.
func LoseNothing() types.GomegaMatcher {
	return &matcher{
		promises: []string{"rpo", "phantoms", "divergence"}, wants: "lose nothing",
		holds: func(j *record.Result) (bool, error) {
			if j.RPO == nil {
				return false, errors.New("nothing was read back")
			}
			p := j.RPO
			whole := len(p.Lost) == 0 && len(p.Phantoms) == 0 && len(p.Diverged) == 0
			if whole && (p.FinalReads == 0 || p.FinalReadsFailed > 0) {
				return false, fmt.Errorf("%d of %d final reads failed, so what was lost is unknown", p.FinalReadsFailed, p.FinalReads)
			}
			return whole, nil
		},
		figures: func(r *Result) []string { return rpoFigures(r.Result.RPO) },
	}
}

// BeLinearizable succeeds when every register's history has a legal order.
func BeLinearizable() types.GomegaMatcher {
	return &matcher{
		promises: []string{"linearizable"}, wants: "be linearizable",
		holds: func(j *record.Result) (bool, error) {
			switch l := j.Linearizable; {
			case l == nil:
				return false, errors.New("linearizability was not judged")
			case len(l.Violating) > 0:
				return false, nil
			case len(l.Undecided) > 0:
				return false, fmt.Errorf("%d of %d keys could not be decided in time or memory", len(l.Undecided), l.Keys)
			default:
				return true, nil
			}
		},
		figures: func(r *Result) []string { return linearFigures(r.Result.Linearizable) },
	}
}

// StayAvailable succeeds when at least this share (0 to 1) of the operations
// due from clients that could reach a majority was good.
func StayAvailable(ratio float64) types.GomegaMatcher {
	return &matcher{
		promises: []string{"availability"}, wants: fmt.Sprintf("keep %g %% of operations good", 100*ratio),
		holds: func(j *record.Result) (bool, error) {
			if j.Availability == nil || len(j.Availability.Series) == 0 {
				return false, errors.New("no availability was measured")
			}
			return j.Availability.Overall >= ratio, nil
		},
		figures: func(r *Result) []string { return availabilityFigures(r.Result.Availability) },
	}
}

// Pass succeeds when the run kept every promise of its scenario.
func Pass() types.GomegaMatcher { return HaveVerdict(record.Pass) }

// HaveVerdict succeeds when the run's verdict is v. A run that came out unknown
// or vacuous neither has nor lacks another verdict: both are errors.
func HaveVerdict(v record.Verdict) types.GomegaMatcher {
	return &matcher{
		wants: "have verdict " + string(v),
		holds: func(j *record.Result) (bool, error) {
			if j.Verdict != v && undecided(j.Verdict) {
				return false, fmt.Errorf("the run came out %s", j.Verdict)
			}
			return j.Verdict == v, nil
		},
		figures: func(r *Result) []string { return findingFigures(r.Result) },
	}
}

// AsExpected succeeds when the run came out as its scenario says it must: with
// that verdict, and with every promise broken that it was to break.
func AsExpected() types.GomegaMatcher {
	return &matcher{
		wants: "come out as its scenario expects",
		holds: func(j *record.Result) (bool, error) {
			if !j.AsExpected() && undecided(j.Verdict) {
				return false, fmt.Errorf("the run came out %s", j.Verdict)
			}
			for _, f := range j.UnprovenFaults() {
				return false, fmt.Errorf("%s is %s: %s", f.Check, f.Verdict, f.Description)
			}
			return j.AsExpected(), nil
		},
		figures: func(r *Result) []string {
			out := []string{fmt.Sprintf("%s was expected", r.Result.Expected)}
			for _, f := range r.Result.MissingFailures() {
				out = append(out, fmt.Sprintf("%s was to break and is %q", f.Check, f.Verdict))
			}
			return append(out, findingFigures(r.Result)...)
		},
	}
}

// matcher judges one promise of a Result.
type matcher struct {
	// promises are the findings that decide; none means the run's verdict does.
	promises []string
	wants    string
	holds    func(*record.Result) (bool, error)
	figures  func(*Result) []string
}

// Match is an error, whatever it is negated to, when the promise could not be
// judged: the run was broken, a fault had no effect, a check gave up.
func (m *matcher) Match(actual any) (bool, error) {
	r, ok := resultIn(actual)
	if !ok {
		return false, fmt.Errorf("to %s is for a *drill.Result, not for %T", m.wants, actual)
	}
	r.noteAsserted(m.promises)
	if err := m.decided(r); err != nil {
		return false, fmt.Errorf("%s: whether it would %s is not known: %w\n%s", title(r), m.wants, err, strings.Join(pointers(r), "\n"))
	}
	got, err := m.holds(r.Result)
	if err != nil {
		return false, fmt.Errorf("%s: whether it would %s is not known: %w\n%s", title(r), m.wants, err, strings.Join(pointers(r), "\n"))
	}
	return got, nil
}

// decided says why the promise could not be judged: an undecided finding of its
// own, or one on a fault or on the run as such. Those on other promises do not matter.
func (m *matcher) decided(r *Result) error {
	if r.AbortReason != "" {
		return fmt.Errorf("the run ended before its time: %s", r.AbortReason)
	}
	if r.Result == nil {
		return errors.New("the run was not judged")
	}
	if len(m.promises) == 0 {
		return nil
	}
	for _, f := range r.Result.Findings {
		matters := slices.Contains(m.promises, f.Check) || slices.Contains(sound, f.Check) || strings.HasPrefix(f.Check, "fault ")
		if matters && undecided(f.Verdict) {
			return fmt.Errorf("%s is %s: %s", f.Check, f.Verdict, f.Description)
		}
	}
	return nil
}

func undecided(v record.Verdict) bool { return v != record.Pass && v != record.Fail }

// FailureMessage quotes the figures and the evidence.
func (m *matcher) FailureMessage(actual any) string { return m.message(actual, "to ") }

// NegatedFailureMessage quotes them too.
func (m *matcher) NegatedFailureMessage(actual any) string { return m.message(actual, "not to ") }

func (m *matcher) message(actual any, to string) string {
	r, _ := resultIn(actual) // Match has seen it
	lines := append([]string{"Expected " + title(r), to + m.wants + ", but:"}, m.figures(r)...)
	return strings.Join(append(lines, pointers(r)...), "\n")
}
