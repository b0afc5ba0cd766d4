package record

// Verdict is the outcome of one check, or of a run.
type Verdict string

// The verdicts, best first. Unknown (a checker ran out of time, a final read
// failed) and Vacuous (a fault without measured effect, too little load to
// judge) are never Pass.
const (
	Pass    Verdict = "pass"
	Vacuous Verdict = "vacuous"
	Unknown Verdict = "unknown"
	Fail    Verdict = "fail"
)

func (v Verdict) rank() int {
	switch v {
	case Pass:
		return 0
	case Vacuous:
		return 1
	case Fail:
		return 3
	default:
		return 2 // a verdict that this version does not know
	}
}

// Worst returns the worst of the verdicts, and Vacuous for none at all, because nothing was judged.
func Worst(vs ...Verdict) Verdict {
	if len(vs) == 0 {
		return Vacuous
	}
	w := Pass
	for _, v := range vs {
		if v.rank() > w.rank() {
			w = v
		}
	}
	return w
}

// ExitCode is the exit status of a process for the verdict: 0 for pass, 1 for fail, 2 for the others.
func (v Verdict) ExitCode() int {
	switch v {
	case Pass:
		return 0
	case Fail:
		return 1
	default:
		return 2
	}
}
