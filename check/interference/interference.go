// Package interference finds when the harness or its machine, and not the system under test,
// may have made operations bad: when the load generator sent them late, and when the
// machine had no processor left to run anything on. The checks of service excuse what overlaps such
// a window; the package itself judges nothing.
package interference

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// The machine is starved in a sample in which no processor was idle, or in which some task waited
	// for one nearly all the time. A drill of three nodes alone on two processors keeps them busy
	// for 0.4 to 0.55 of the time, and its tasks wait for 0.3 to 0.45, at most 0.71 in any
	// sample; beside two busy loops it is 1.0, and 0.5 to 0.99.
	starvedBusy     = 0.97
	starvedPressure = 0.85
	// starvedFor is how long the machine must be starved: a short peak is what starting a
	// process looks like.
	starvedFor = time.Second
	// latePressure and lateSteal are from where on a late generator is charged to the machine.
	latePressure = 0.5
	lateSteal    = 0.2
	// starvedProxy is from where on a link proxy that stood still did so for want of a processor: its threads
	// waited for one half of the time.
	starvedProxy = 0.5
	// joined is the distance below which two windows are one.
	joined = 500 * time.Millisecond
	// A harness that stood still wakes with connections that died and with old knowledge of who serves. What
	// it sends then is charged to it for as long again as it stood still, within these bounds.
	minAftermath = 500 * time.Millisecond
	maxAftermath = 5 * time.Second
)

// Window is a stretch of the run in which the harness or the machine interfered.
type Window struct {
	record.Span
	Cause record.Cause // harness or environment
	// Late is how many operations were sent late in the window, and Worst by how much.
	Late  int
	Worst time.Duration
	// Busy is the largest share of a sample in which processors worked, Pressure that in which
	// tasks waited for one.
	Busy, Pressure float64
	// Stalled is the node whose link proxy stood still; empty when none did. Starved is how long the proxy's
	// threads waited for a processor meanwhile, all taken together, as a share of the time.
	Stalled string
	Starved float64
}

// String says what happened in the window, in one clause.
func (w Window) String() string {
	at := fmt.Sprintf("between %s and %s", duration.Format(w.From), duration.Format(w.To))
	switch {
	case w.Stalled != "" && w.Starved >= starvedProxy:
		return fmt.Sprintf("%s the link proxy of %s stood still, whose threads waited for a processor %.0f %% of the time", at, w.Stalled, 100*w.Starved)
	case w.Stalled != "":
		return fmt.Sprintf("%s the link proxy of %s stood still", at, w.Stalled)
	case w.Late > 0 && w.Cause == record.CauseHarness:
		return fmt.Sprintf("%s the load generator sent %d operations up to %s late though the machine was free (stopped process, garbage collection), or had just done so", at, w.Late, duration.Format(w.Worst))
	case w.Late > 0:
		return fmt.Sprintf("%s the machine was busy (tasks waited for a processor %.0f %% of the time) and %d operations were sent up to %s late", at, 100*w.Pressure, w.Late, duration.Format(w.Worst))
	default:
		return fmt.Sprintf("%s the machine had no processor to spare (busy %.0f %%, tasks waited for one %.0f %% of the time)", at, 100*w.Busy, 100*w.Pressure)
	}
}

// Find returns the windows of a run in order of time; they do not overlap. An operation is late
// when it was sent more than maxLateness after it was due.
func Find(r *record.Run, maxLateness time.Duration) []Window {
	return merge(slices.Concat(lateWindows(r, maxLateness), starvedWindows(r.Machine), stalledWindows(r)))
}

// merge sorts windows by time and makes one of those that overlap or are close to each other.
func merge(windows []Window) []Window {
	slices.SortFunc(windows, func(a, b Window) int { return cmp.Compare(a.From, b.From) })
	var out []Window
	for _, w := range windows {
		if n := len(out); n > 0 && w.From-out[n-1].To < joined {
			out[n-1] = join(out[n-1], w)
			continue
		}
		out = append(out, w)
	}
	return out
}

// join makes one window of two, the earlier first. Its cause is the environment if that of either is, because a busy
// machine also makes a harness late.
func join(a, b Window) Window {
	a.To = max(a.To, b.To)
	a.Late += b.Late
	a.Worst = max(a.Worst, b.Worst)
	a.Busy, a.Pressure = max(a.Busy, b.Busy), max(a.Pressure, b.Pressure)
	if b.Cause == record.CauseEnvironment {
		a.Cause = b.Cause
	}
	if a.Stalled == "" {
		a.Stalled, a.Starved = b.Stalled, b.Starved
	}
	return a
}

// lateWindows are the times from when an operation was due to when it was sent, of
// those that were sent late.
func lateWindows(r *record.Run, limit time.Duration) []Window {
	var late []Window
	for i := range r.Ops {
		op := &r.Ops[i]
		if by := Lateness(op); by > limit {
			late = append(late, Window{Span: record.Span{From: op.Intended, To: op.Call}, Cause: record.CauseHarness, Late: 1, Worst: by})
		}
	}
	out := merge(late)
	for i := range out {
		pressure, steal := over(r.Machine, out[i].Span)
		out[i].Pressure = pressure
		out[i].To += min(maxAftermath, max(minAftermath, out[i].To-out[i].From))
		if pressure >= latePressure || steal >= lateSteal {
			out[i].Cause = record.CauseEnvironment
		}
	}
	return out
}

// Lateness is how long after it was due an operation of the load was sent; 0 for one that
// is not part of the load's schedule.
func Lateness(op *history.Op) time.Duration {
	if op.Final || op.Intended < 0 || op.Call < op.Intended {
		return 0
	}
	return op.Call - op.Intended
}

// over is the mean pressure and steal of the samples that overlap a span.
func over(samples []record.MachineSample, span record.Span) (pressure, steal float64) {
	var length time.Duration
	for _, s := range samples {
		if s.At-s.Length < span.To && s.At > span.From {
			length += s.Length
			pressure += s.CPUPressure * float64(s.Length)
			steal += s.Steal * float64(s.Length)
		}
	}
	if length == 0 {
		return 0, 0
	}
	return pressure / float64(length), steal / float64(length)
}

// starvedWindows are the times in which the machine had no processor to spare.
func starvedWindows(samples []record.MachineSample) []Window {
	var all []Window
	for _, s := range samples {
		if s.Busy < starvedBusy && s.CPUPressure < starvedPressure {
			continue
		}
		all = append(all, Window{Span: record.Span{From: s.At - s.Length, To: s.At}, Cause: record.CauseEnvironment, Busy: s.Busy, Pressure: s.CPUPressure})
	}
	return slices.DeleteFunc(merge(all), func(w Window) bool { return w.To-w.From < starvedFor })
}

// stalledWindows are the times in which a link proxy stood still.
func stalledWindows(r *record.Run) []Window {
	var out []Window
	for _, e := range r.Events {
		if e.Source != record.FromEngine || e.Kind != record.EventSandboxStalled {
			continue
		}
		length, err := time.ParseDuration(e.Fields[record.FieldFor])
		if err != nil || length <= 0 {
			continue
		}
		w := Window{Span: record.Span{From: max(0, e.At-length), To: e.At}, Cause: record.CauseHarness, Stalled: string(e.Node)}
		if pressure, steal := over(r.Machine, w.Span); pressure >= latePressure || steal >= lateSteal {
			w.Cause, w.Pressure = record.CauseEnvironment, pressure
		}
		if w.Starved = starvation(r.Machine, e.Node, w.Span); w.Starved >= starvedProxy {
			w.Cause = record.CauseEnvironment
		}
		out = append(out, w)
	}
	return out
}

// starvation is how long the threads of a node's sandbox waited for a processor, as a share of the time, in the worst of
// the samples that overlap a span.
func starvation(samples []record.MachineSample, node topology.NodeID, span record.Span) float64 {
	worst := 0.0
	for _, s := range samples {
		if x, ok := s.Sandboxes[node]; ok && s.At-x.Length < span.To && s.At > span.From {
			worst = max(worst, x.Waited)
		}
	}
	return worst
}

// Touches reports whether a stretch of the run overlaps one of the windows, which are in order of time.
func Touches(windows []Window, from, to time.Duration) bool {
	i, _ := slices.BinarySearchFunc(windows, from, func(w Window, t time.Duration) int {
		if w.To <= t {
			return -1
		}
		return 1
	})
	return i < len(windows) && windows[i].From < to
}

// Within returns the windows that overlap a stretch of the run.
func Within(windows []Window, from, to time.Duration) []Window {
	var out []Window
	for _, w := range windows {
		if w.From < to && w.To > from {
			out = append(out, w)
		}
	}
	return out
}

// CauseOf is what is to blame for the windows: the harness if it is for any of them.
func CauseOf(windows []Window) record.Cause {
	if slices.ContainsFunc(windows, func(w Window) bool { return w.Cause == record.CauseHarness }) {
		return record.CauseHarness
	}
	return record.CauseEnvironment
}

// Describe lists the windows, a line each.
func Describe(windows []Window) []string {
	out := make([]string, len(windows))
	for i, w := range windows {
		out[i] = w.String()
	}
	return out
}

// Summarize is one clause on the windows: the longest, and how many more there are.
func Summarize(windows []Window) string {
	if len(windows) == 0 {
		return ""
	}
	longest := slices.MaxFunc(windows, func(a, b Window) int { return cmp.Compare(a.To-a.From, b.To-b.From) })
	s := longest.String()
	if n := len(windows) - 1; n > 0 {
		s += fmt.Sprintf(" (and %d more such times)", n)
	}
	return s
}
