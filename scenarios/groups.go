package scenarios

import (
	"cmp"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
)

// maxGroupDepth is how deep groups of steps may be in each other.
const maxGroupDepth = 4

// occurrence is one time that a step of the file is carried out: groups and repetitions are resolved.
type occurrence struct {
	StepSpec
	id string
	// at counts from the beginning of the episode. delay is the time from there, or from what the step waits
	// for, to the injection; only members of a group that waits have one.
	at, delay time.Duration
	when      Trigger
	within    time.Duration
	whenPath  string // the field of the file that has the trigger
}

// end is when the occurrence is over at the latest.
func (o occurrence) end() time.Duration { return o.at + o.within + o.delay + o.length() }

// length is how long a step's fault lasts.
func (d StepSpec) length() time.Duration {
	e, _ := faults.Find(d.Fault) // an unknown one is reported elsewhere, and has no default
	return cmp.Or(d.For, e.For)
}

// members lists the steps of a group, and the name of the field that holds them; none for a step with a fault.
func (d StepSpec) members() (field string, steps []StepSpec) {
	if d.Serial != nil {
		return "serial", d.Serial
	}
	if d.Parallel != nil {
		return "parallel", d.Parallel
	}
	return "", nil
}

// walkSteps visits every step that has a fault, those in groups too, with its path in the file.
func walkSteps(steps []StepSpec, path string, visit func(path string, d *StepSpec)) {
	for i := range steps {
		at := fmt.Sprintf("%s[%d]", path, i)
		if field, members := steps[i].members(); field != "" {
			walkSteps(members, at+"."+field, visit)
			continue
		}
		visit(at, &steps[i])
	}
}

// countOccurrences is how many there are of the steps, or a number above maxFaults when they are too many.
func countOccurrences(steps []StepSpec) int {
	n := 0
	for _, d := range steps {
		times, each := max(1, d.Repeat), 1
		if field, members := d.members(); field != "" {
			each = countOccurrences(members)
		}
		if n += min(times, maxFaults+1) * each; n > maxFaults {
			return maxFaults + 1
		}
	}
	return n
}

// occurrences resolves groups and repetitions. There must not be too many; see countOccurrences.
func occurrences(steps []StepSpec) []occurrence {
	var out []occurrence
	for i, d := range steps {
		e := expander{out: &out, when: d.When, within: d.withinOf(), whenPath: fmt.Sprintf("steps[%d].when", i)}
		e.expandTop(d, fmt.Sprint(i+1))
	}
	return out
}

// expander resolves one step of the top of the file. Its members wait for what it waits for.
type expander struct {
	out      *[]occurrence
	when     Trigger
	within   time.Duration
	whenPath string
	armed    time.Duration // of this repetition, when there is a trigger
}

// expandTop adds the occurrences of a step of the top, which alone can wait for something.
func (e *expander) expandTop(d StepSpec, number string) {
	for r := range max(1, d.Repeat) {
		e.armed = d.begins(r)
		e.once(d, number, repetition(d, r), e.armed)
	}
}

// expand adds the occurrences of a member of a group that begins at an offset, and returns when the last is
// over. Number is its place in the file, and times the repetition of what it is in.
func (e *expander) expand(d StepSpec, number, times string, begin time.Duration) time.Duration {
	end := begin
	for r := range max(1, d.Repeat) {
		end = max(end, e.once(d, number, times+repetition(d, r), begin+d.begins(r)))
	}
	return end
}

// begins is when a repetition of the step begins.
func (d StepSpec) begins(r int) time.Duration { return d.At + time.Duration(r)*d.Every }

// repetition is what the id of a step that is repeated ends with: "-r2".
func repetition(d StepSpec, r int) string {
	if d.Repeat <= 1 {
		return ""
	}
	return fmt.Sprintf("-r%d", r+1)
}

// once adds one repetition of a step, which begins at start, and returns when it is over, apart from the time
// that is spent waiting.
func (e *expander) once(d StepSpec, number, times string, start time.Duration) time.Duration {
	field, members := d.members()
	if field == "" {
		o := occurrence{StepSpec: d, id: fmt.Sprintf("%s-%s%s", number, d.Fault, times), at: start}
		if !e.when.IsZero() {
			o.at, o.delay, o.when, o.within, o.whenPath = e.armed, start-e.armed, e.when, e.within, e.whenPath
		}
		*e.out = append(*e.out, o)
		return start + d.length()
	}
	end := start
	for k, m := range members {
		from := start
		if field == "serial" {
			from = end
		}
		end = max(end, e.expand(m, fmt.Sprintf("%s-%d", number, k+1), times, from))
	}
	return end
}

// validateGroup reports what is wrong with a group of steps and with its members.
func validateGroup(src *yamlfile.Source, path string, d StepSpec, depth int) {
	field, members := d.members()
	if field == "" {
		return // it could not be read, which has been reported
	}
	for _, other := range []struct {
		name  string
		given bool
	}{
		{"fault", d.Fault != ""},
		{"on", !d.On.Empty()},
		{"to", !d.To.Empty()},
		{"with", d.With != nil},
		{"for", d.For != 0},
		{"ramp", d.Ramp != 0},
		{"parallel", field == "serial" && d.Parallel != nil},
	} {
		if other.given || field != other.name && src.Given(path+"."+other.name) {
			src.Report(path+"."+other.name, fmt.Sprintf("is not for a group of steps: keep either %s or %s", field, other.name), "")
		}
	}
	switch {
	case len(members) == 0 && !src.Reported(path+"."+field):
		src.Report(path+"."+field, "is empty: want the steps of the group", "")
	case depth >= maxGroupDepth:
		src.Report(path+"."+field, fmt.Sprintf("groups are nested more than %d deep", maxGroupDepth), "")
		return
	}
	for k, m := range members {
		at := fmt.Sprintf("%s.%s[%d]", path, field, k)
		if !m.When.IsZero() || src.Given(at+".when") {
			src.Report(at+".when", "is for steps that are in no group: give it to the group, or put the step outside and let it wait for another step, as in `when: 1-kill is healed`", "")
		}
		if m.Within != 0 || src.Given(at+".within") {
			src.Report(at+".within", "is the longest wait for `when`, which no member of a group has", "")
		}
		validateStep(src, at, m, depth+1)
	}
}

// validateRepetition reports a repetition that is not complete, or that overlaps itself.
func validateRepetition(src *yamlfile.Source, path string, d StepSpec) {
	limitInt(src, path+".repeat", d.Repeat)
	limitDuration(src, path+".every", d.Every)
	switch {
	case src.Reported(path+".every") || src.Reported(path+".repeat"):
	case d.Every != 0 && d.Repeat == 0:
		src.Report(path+".repeat", "is missing: how often is the step carried out?", "")
	case d.Repeat > 1 && d.Every == 0:
		src.Report(path+".every", "is missing: how much later does the step begin again?", "")
	case d.Repeat > 1 && countOccurrences([]StepSpec{d}) <= maxFaults:
		once := d
		once.At, once.Repeat = 0, 0
		var length time.Duration
		for _, o := range occurrences([]StepSpec{once}) {
			length = max(length, o.end())
		}
		if d.Every <= length {
			src.Report(path+".every", fmt.Sprintf("%v is too short: the step may take %v, and it would overlap itself", d.Every, length), "")
		}
	}
}
