package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// check notes what is wrong with the values of a scenario, the topology aside.
func (s *Scenario) check(src *source) {
	switch {
	case s.Name == "":
		src.say("name", "is missing", "")
	case !validName.MatchString(s.Name):
		src.say("name", fmt.Sprintf("%q is no name: want at most 63 lower-case letters, digits and dashes", s.Name), "")
	}
	for i, l := range s.Labels {
		src.oneOf(fmt.Sprintf("labels[%d]", i), l, Labels())
	}
	src.within("baseline", s.Baseline, time.Second, maxLength)
	src.within("phase", s.Phase, time.Millisecond, time.Minute)
	src.within("gap", s.Gap, time.Second, maxLength)
	src.within("observe", s.Observe, 6*time.Second, maxLength)
	src.between("episodes", s.Episodes, 1, maxEpisodes)
	checkShape(src, s.Topology)
	checkLoad(src, s.Load)
	checkObjectives(src, s.Objectives)
	if s.Objectives.Redelivered != nil && s.Load.Consumers == 0 {
		src.say("objectives.redelivered", "is about consumers, and there are none: give load.consumers", "")
	}
	if s.Expect != "" {
		src.oneOf("expect", string(s.Expect), []string{string(record.Pass), string(record.Vacuous), string(record.Unknown), string(record.Fail)})
	}
	checkBreaks(src, s.Expect, s.ExpectedFailures)
	switch {
	case s.Steps == nil && !src.has("steps"):
		src.say("steps", "is missing; a run without faults says so with an empty list, []", "")
	case len(s.Steps) > maxSteps:
		src.say("steps", fmt.Sprintf("has %d entries, want at most %d", len(s.Steps), maxSteps), "")
	default:
		for i, step := range s.Steps {
			checkStep(src, fmt.Sprintf("steps[%d]", i), step)
		}
	}
}

func checkStep(src *source, path string, d StepSpec) {
	if d.At < 0 || d.At > maxLength {
		src.say(path+".at", fmt.Sprintf("%v is out of range: want 0s to %v", d.At, maxLength), "")
	}
	e, err := faults.Find(d.Fault)
	var wrong faults.InvalidField
	switch {
	case d.Fault == "":
		src.say(path+".fault", "is missing", "")
	case errors.As(err, &wrong):
		src.say(path+".fault", wrong.Says, wrong.Nearest)
	default:
		checkLength(src, path+".for", d, e)
		checkSettings(src, path+".with", d, e)
		if !e.Links && !d.To.Empty() {
			src.say(path+".to", fmt.Sprintf("%s has victims only, no other side: leave it out", d.Fault), "")
		}
	}
	if d.On.Empty() {
		src.say(path+".on", "chooses nobody: want region, service, role, node or all", "")
	}
	checkRole(src, path+".on.role", d.On)
	checkRole(src, path+".to.role", d.To)
	if src.has(path+".to") && d.To.Empty() {
		src.say(path+".to", "chooses nobody: leave it out for all others", "")
	}
}

func checkLength(src *source, field string, d StepSpec, e faults.Entry) {
	switch {
	case d.For == 0 && !src.has(field):
		if e.For == 0 {
			src.say(field, fmt.Sprintf("is missing: how long does %s last?", d.Fault), "")
		}
	case d.For <= 0 || d.For > maxLength:
		src.say(field, fmt.Sprintf("%v is out of range: want more than 0s, at most %v", d.For, maxLength), "")
	}
}

func checkSettings(src *source, field string, d StepSpec, e faults.Entry) {
	f := d.With
	if src.blamed(field) {
		return // what is unset because it could not be read is no news
	}
	if f == nil {
		f = e.New() // the defaults may not do, as for a latency without a delay
	}
	v, ok := f.(faults.Validator)
	if !ok {
		return
	}
	var wrong faults.InvalidField
	switch err := v.Validate(); {
	case errors.As(err, &wrong):
		src.say(field+"."+wrong.Field, wrong.Says, wrong.Nearest)
	case err != nil:
		src.say(field, err.Error(), "")
	}
}

func checkRole(src *source, field string, s topology.Selector) {
	if s.Role != "" {
		src.oneOf(field, string(s.Role), []string{string(topology.Leader), string(topology.Follower), string(topology.StreamLeader)})
	}
}

func checkShape(src *source, s topology.Spec) {
	if !slices.Contains([]int{0, 1, 3, 5}, s.Nodes) || (s.Nodes == 0 && src.has("topology.nodes")) {
		src.say("topology.nodes", fmt.Sprintf("%d is none of 1, 3, 5", s.Nodes), "")
	}
	seen := map[[2]topology.Region]bool{}
	for i, d := range s.Latency {
		field := fmt.Sprintf("topology.latency[%d]", i)
		switch {
		case d.A == "" || d.B == "" || d.A == d.B:
			src.say(field, "wants two different regions, a and b", "")
		case seen[[2]topology.Region{d.A, d.B}], seen[[2]topology.Region{d.B, d.A}]:
			src.say(field, fmt.Sprintf("%s and %s are given twice", d.A, d.B), "")
		}
		if d.OneWay < 0 || d.OneWay > 10*time.Second {
			src.say(field+".oneWay", fmt.Sprintf("%v is out of range: want 0s to 10s", d.OneWay), "")
		}
		seen[[2]topology.Region{d.A, d.B}] = true
	}
}

func checkLoad(src *source, l workload.Load) {
	src.between("load.reads", l.Reads, 1, maxRate)
	src.between("load.writes", l.Writes, 1, maxRate)
	src.between("load.edge", l.Edge, 1, maxRate)
	src.between("load.consumers", l.Consumers, 1, 16)
	if l.Consumers > 0 && l.Mix.Publish == 0 {
		src.say("load.consumers", "have nothing to consume: give load.mix a share of publish", "")
	}
	src.between("load.keys", l.Keys, 1, 100_000)
	src.between("load.opsPerKey", l.OpsPerKey, 1, 1000)
	src.between("load.clients", l.Clients, 1, 256)
	src.between("load.slots", l.Slots, 1, 100_000)
	src.within("load.timeout", l.Timeout, time.Millisecond, time.Minute)
	if (l.Class != "" || src.has("load.class")) && !validName.MatchString(l.Class) {
		src.say("load.class", fmt.Sprintf("%q is no name of a class of data: want lower-case letters, digits and dashes", l.Class), "")
	}
	if src.has("load.saturate") {
		src.within("load.saturate.for", l.Saturate.For, time.Second, time.Minute)
		src.between("load.saturate.writers", l.Saturate.Writers, 1, 1000)
	}
	m := l.Mix
	if src.has("load.mix") || m != (workload.Mix{}) {
		if sum := m.Write + m.CAS + m.Add + m.Transfer + m.Publish; sum != 100 || min(m.Write, m.CAS, m.Add, m.Transfer, m.Publish) < 0 {
			src.say("load.mix", fmt.Sprintf("%d write + %d cas + %d add + %d transfer + %d publish is %d, want shares of 100", m.Write, m.CAS, m.Add, m.Transfer, m.Publish, sum), "")
		}
	}
}

// checkBreaks asks a control that must fail, and no other scenario, what it breaks.
func checkBreaks(src *source, expect record.Verdict, breaks []string) {
	for i, b := range breaks {
		src.oneOf(fmt.Sprintf("breaks[%d]", i), b, record.Checks())
	}
	switch {
	case src.blamed("expect"): // whether it is for here is not known
	case expect != record.Fail && (len(breaks) > 0 || src.has("breaks")):
		src.say("breaks", "is for scenarios with expect: fail", "")
	case expect == record.Fail && len(breaks) == 0:
		src.say("breaks", "is missing: which promise must expect: fail see broken? There are "+strings.Join(record.Checks(), ", "), "")
	}
}

// stageNames are the parts of a recovery that may have a budget.
var stageNames = []string{"detect", "arbitrate", "elect", "switch", "first success", "stable"}

func checkObjectives(src *source, o record.Objectives) {
	src.within("objectives.rto", o.RTO, time.Millisecond, maxLength)
	if o.RPO < 0 {
		src.say("objectives.rpo", fmt.Sprintf("%d is out of range: want 0 or more lost writes", o.RPO), "")
	}
	if o.Availability < 0 || o.Availability > 1 {
		src.say("objectives.availability", fmt.Sprintf("%v is out of range: want a share from 0 to 1", o.Availability), "")
	}
	if o.Redelivered != nil && *o.Redelivered < 0 {
		src.say("objectives.redelivered", fmt.Sprintf("%d is out of range: want 0 or more", *o.Redelivered), "")
	}
	if o.FalseAlarms != nil && *o.FalseAlarms < 0 {
		src.say("objectives.falseAlarms", fmt.Sprintf("%d is out of range: want 0 or more", *o.FalseAlarms), "")
	}
	if len(o.ExpectEvents) == 0 && src.has("objectives.tells") && !src.blamed("objectives.tells") {
		src.say("objectives.tells", "is empty: name an event, or leave it out", "")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Stages)) {
		field := "objectives.stages." + name
		src.oneOf(field, name, stageNames)
		src.within(field, o.Stages[name], time.Millisecond, maxLength)
	}
}

// oneOf notes a value that is none of valid, with the nearest one.
func (s *source) oneOf(field, value string, valid []string) {
	if !slices.Contains(valid, value) {
		s.say(field, fmt.Sprintf("%q is none of %s", value, strings.Join(valid, ", ")), faults.Suggest(value, valid))
	}
}

// within notes a duration out of range. Zero is a default where it is not written.
func (s *source) within(field string, d, least, most time.Duration) {
	if (d != 0 || s.has(field)) && (d < least || d > most) {
		s.say(field, fmt.Sprintf("%v is out of range: want %v to %v", d, least, most), "")
	}
}

// between is within for whole numbers.
func (s *source) between(field string, n, least, most int) {
	if (n != 0 || s.has(field)) && (n < least || n > most) {
		s.say(field, fmt.Sprintf("%d is out of range: want %d to %d", n, least, most), "")
	}
}
