package record

// Verdict is the judgement of one promise, or of a run.
type Verdict string

// The verdicts, best first. Unknown (a checker ran out of time, a final read
// failed) and Vacuous (a fault without measured effect, too little load to
// tell) are never Pass.
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
		return 2 // what we cannot read is unknown
	}
}

// Worst returns the worst verdict; of none at all it is Vacuous, for nothing was judged.
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

// ExitCode is the process exit status that stands for the verdict.
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
