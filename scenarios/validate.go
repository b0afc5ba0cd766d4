package scenarios

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// The verdicts that a scenario can expect, and the roles that a selector can name.
var (
	verdicts = []record.Verdict{record.Pass, record.Vacuous, record.Unknown, record.Fail}
	roles    = []topology.Role{topology.Leader, topology.Follower, topology.StreamLeader}
)

var validRegion = regexp.MustCompile(`^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$`)

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// validate reports what is wrong with the values of a scenario, apart from names that
// depend on the topology.
func (s *Scenario) validate(src *yamlfile.Source) {
	switch {
	case s.Name == "":
		src.Report("name", "is missing", "")
	case !validName.MatchString(s.Name):
		src.Report("name", fmt.Sprintf("%q is no name: want at most 63 lower-case letters, digits and dashes", s.Name), "")
	}
	for i, l := range s.Labels {
		src.RequireOneOf(fmt.Sprintf("labels[%d]", i), l, Labels())
	}
	limitDuration(src, "baseline", s.Baseline)
	limitDuration(src, "startJitter", s.StartJitter)
	limitDuration(src, "episodeGap", s.EpisodeGap)
	limitDuration(src, "observe", s.Observe)
	limitInt(src, "episodes", s.Episodes)
	if stable := s.Objectives.SLO(slo).Stable; s.EpisodeGap > 0 && s.EpisodeGap < stable && s.Episodes > 1 {
		src.Report("episodeGap", fmt.Sprintf("%v is shorter than the stability window (objectives.stable), so that no episode can be shown to recover: want at least %v", s.EpisodeGap, stable), "")
	}
	validateDrill(src, s.Drill)
	validateGuards(src, s.Guards)
	limitInt(src, "blastRadius.nodes", s.BlastRadius.Nodes)
	limitInt(src, "blastRadius.regions", s.BlastRadius.Regions)
	if src.Given("blastRadius") && s.BlastRadius == (BlastRadius{}) && !src.Reported("blastRadius") {
		src.Report("blastRadius", "bounds nothing: want keepQuorum: true, nodes or regions", "")
	}
	validateTopology(src, s.Topology)
	validateLoad(src, s.Load)
	validateObjectives(src, s.Objectives)
	validateResolution(src, s.Objectives, s.Load)
	if s.Objectives.Redelivered != nil && s.Load.Consumers == 0 {
		src.Report("objectives.redelivered", "is about consumers, and there are none: give load.consumers", "")
	}
	if s.Expect != "" {
		src.RequireOneOf("expect", string(s.Expect), stringsOf(verdicts))
	}
	validateExpectedFailures(src, s.Expect, s.ExpectedFailures)
	switch {
	case s.Steps == nil && !src.Given("steps"):
		src.Report("steps", "is missing; a run without faults needs an empty list, []", "")
	case len(s.Steps) > maxSteps:
		src.Report("steps", fmt.Sprintf("has %d entries, want at most %d", len(s.Steps), maxSteps), "")
	case countOccurrences(s.Steps) > maxFaults:
		src.Report("steps", fmt.Sprintf("are carried out too often: want at most %d faults in a run", maxFaults), "")
	case countOccurrences(s.Steps)*max(s.Episodes, 1) > maxFaults && !src.Reported("episodes"):
		n := countOccurrences(s.Steps)
		src.Report("episodes", fmt.Sprintf("%d episodes of %d steps are %d faults, want at most %d in a run", s.Episodes, n, s.Episodes*n, maxFaults), "")
	default:
		for i, step := range s.Steps {
			validateStep(src, fmt.Sprintf("steps[%d]", i), step, 1)
		}
		s.validateTriggers(src)
		s.validateLoadPhases(src)
		longest := time.Duration(0)
		for _, o := range occurrences(s.Steps) {
			longest = max(longest, o.end())
		}
		if longest > maxTimeline && !src.Reported("steps") {
			src.Report("steps", fmt.Sprintf("may take %v, want at most %v", longest, maxTimeline), "")
		}
	}
}

// validateStep reports what is wrong with a step, or with a group and its members; depth counts the groups.
func validateStep(src *yamlfile.Source, path string, d StepSpec, depth int) {
	limitDuration(src, path+".at", d.At)
	validateRepetition(src, path, d)
	if field, _ := d.members(); field != "" || src.Given(path+".serial") || src.Given(path+".parallel") {
		validateGroup(src, path, d, depth)
		return
	}
	e, err := faults.Find(d.Fault)
	var wrong faults.InvalidField
	switch {
	case d.Fault == "":
		src.Report(path+".fault", "is missing", "")
	case errors.As(err, &wrong):
		src.Report(path+".fault", wrong.Message, wrong.Suggestion)
	default:
		validateDuration(src, path+".for", d, e)
		validateRamp(src, path+".ramp", d, e)
		validateSettings(src, path+".with", d, e)
		if !e.Links && !d.To.Empty() {
			src.Report(path+".to", fmt.Sprintf("%s has victims only, no other side: leave it out", d.Fault), "")
		}
	}
	validateSelectorFields(src, path+".on", d.On)
	validateSelectorFields(src, path+".to", d.To)
	if d.On.Empty() {
		src.Report(path+".on", "chooses nobody: want region, service, role, node, all or not", "")
	}
	if src.Given(path+".to") && d.To.Empty() {
		src.Report(path+".to", "chooses nobody: leave it out for all others", "")
	}
}

// validateSelectorFields reports what is wrong with a selector in any topology.
func validateSelectorFields(src *yamlfile.Source, path string, s topology.Selector) {
	validateRole(src, path+".role", s.Role)
	validateRole(src, path+".not.role", s.Not.Role)
	limitInt(src, path+".count", s.Count)
	limitInt(src, path+".percent", s.Percent)
	limitInt(src, path+".randomMaxPercent", s.RandomMaxPercent)
	validatePattern(src, path+".node", s.Node)
	validatePattern(src, path+".not.node", s.Not.Node)
	given := []string{}
	for name, n := range map[string]int{"count": s.Count, "percent": s.Percent, "randomMaxPercent": s.RandomMaxPercent} {
		if n != 0 {
			given = append(given, name)
		}
	}
	if slices.Sort(given); len(given) > 1 {
		src.Report(path+"."+given[1], fmt.Sprintf("says again how many: keep one of %s", strings.Join(given, ", ")), "")
	}
	if s.Empty() && s.Draws() {
		src.Report(path, "says how many nodes and not which: add all: true, a region, service or role", "")
	}
	if src.Given(path+".not") && s.Not == (topology.Exclusion{}) {
		src.Report(path+".not", "leaves nobody out: want region, service, role or node", "")
	}
}

func validatePattern(src *yamlfile.Source, field string, id topology.NodeID) {
	if _, err := path.Match(string(id), ""); err != nil {
		src.Report(field, fmt.Sprintf("%q is no pattern: want * for any characters, ? for one, [a-c] for one of several", id), "")
	}
}

// validateRamp reports a fault that is to grow and cannot.
func validateRamp(src *yamlfile.Source, field string, d StepSpec, e faults.Entry) {
	limitDuration(src, field, d.Ramp)
	if _, grows := e.New().(faults.Growing); (d.Ramp != 0 || src.Given(field)) && !grows {
		var names []string
		for _, e := range faults.Catalogue() {
			if _, grows := e.New().(faults.Growing); grows {
				names = append(names, e.Name)
			}
		}
		src.Report(field, fmt.Sprintf("%s does not grow; what can is %s", d.Fault, strings.Join(names, ", ")), "")
	}
}

func validateDuration(src *yamlfile.Source, field string, d StepSpec, e faults.Entry) {
	switch {
	case d.For == 0 && !src.Given(field):
		if e.For == 0 {
			src.Report(field, fmt.Sprintf("is missing: how long does %s last?", d.Fault), "")
		}
	case d.For <= 0 || d.For > maxDuration:
		src.Report(field, fmt.Sprintf("%v is out of range: want more than 0s, at most %v", d.For, maxDuration), "")
	}
}

func validateSettings(src *yamlfile.Source, field string, d StepSpec, e faults.Entry) {
	f := d.With
	if src.Reported(field) {
		return // the settings could not be read, which has been reported
	}
	if f == nil {
		f = e.New() // defaults need not be valid: a latency must have a delay
	}
	v, ok := f.(faults.Validator)
	if !ok {
		return
	}
	var wrong faults.InvalidField
	switch err := v.Validate(); {
	case errors.As(err, &wrong):
		src.Report(field+"."+wrong.Field, wrong.Message, wrong.Suggestion)
	case err != nil:
		src.Report(field, err.Error(), "")
	}
}

func validateRole(src *yamlfile.Source, field string, r topology.Role) {
	if r != "" {
		src.RequireOneOf(field, string(r), stringsOf(roles))
	}
}

func validateTopology(src *yamlfile.Source, s topology.Spec) {
	if !slices.Contains([]int{0, 1, 3, 5}, s.Nodes) || (s.Nodes == 0 && src.Given("topology.nodes")) {
		src.Report("topology.nodes", fmt.Sprintf("%d is none of 1, 3, 5", s.Nodes), "")
	}
	validateRegions(src, s.Regions)
	seen := map[[2]topology.Region]bool{}
	for i, d := range s.Latency {
		field := fmt.Sprintf("topology.latency[%d]", i)
		switch {
		case d.A == "" || d.B == "" || d.A == d.B:
			src.Report(field, "wants two different regions, a and b", "")
		case seen[[2]topology.Region{d.A, d.B}], seen[[2]topology.Region{d.B, d.A}]:
			src.Report(field, fmt.Sprintf("%s and %s are given twice", d.A, d.B), "")
		}
		limitDuration(src, field+".oneWay", d.OneWay)
		seen[[2]topology.Region{d.A, d.B}] = true
	}
}

// validateRegions reports what is wrong with regions of the user's own.
func validateRegions(src *yamlfile.Source, regions []topology.SpecRegion) {
	const field = "topology.regions"
	if src.Given(field) && len(regions) == 0 && !src.Reported(field) {
		src.Report(field, "is empty: name the regions, or leave it out for those of the target", "")
	}
	if len(regions) > maxRegions {
		src.Report(field, fmt.Sprintf("has %d entries, want at most %d", len(regions), maxRegions), "")
		return
	}
	seen := map[topology.Region]bool{}
	weights, nodes := 0, 0
	for i, r := range regions {
		at := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case r.Name == "":
			src.Report(at+".name", "is missing", "")
		case !validRegion.MatchString(string(r.Name)):
			src.Report(at+".name", fmt.Sprintf("%q is no name of a region: want at most 20 lower-case letters, digits and dashes", r.Name), "")
		case seen[r.Name]:
			src.Report(at+".name", fmt.Sprintf("%s is given twice", r.Name), "")
		}
		limitInt(src, at+".weight", r.Weight)
		limitInt(src, at+".nodes", r.Nodes)
		seen[r.Name] = true
		weights, nodes = weights+r.Weight, nodes+r.Nodes
	}
	if nodes > maxNodes {
		src.Report(field, fmt.Sprintf("have %d nodes, want at most %d", nodes, maxNodes), "")
	}
	if weights > 0 && slices.ContainsFunc(regions, func(r topology.SpecRegion) bool { return r.Weight == 0 }) {
		for i, r := range regions {
			if at := fmt.Sprintf("%s[%d].weight", field, i); r.Weight == 0 && !src.Given(at) {
				src.Report(at, "is missing, and other regions have one: give all of them, or none", "")
			}
		}
	}
}

func validateLoad(src *yamlfile.Source, l workload.Load) {
	limitInt(src, "load.reads", l.Reads)
	limitInt(src, "load.writes", l.Writes)
	limitInt(src, "load.localReads", l.LocalReads)
	limitInt(src, "load.consumers", l.Consumers)
	if l.Consumers > 0 && l.Mix.Publish == 0 {
		src.Report("load.consumers", "have nothing to consume: give load.mix a share of publish", "")
	}
	limitInt(src, "load.keys", l.Keys)
	limitInt(src, "load.opsPerKey", l.OpsPerKey)
	limitInt(src, "load.clients", l.Clients)
	limitInt(src, "load.maxInFlight", l.MaxInFlight)
	limitDuration(src, "load.timeout", l.Timeout)
	if (l.Class != "" || src.Given("load.class")) && !validName.MatchString(l.Class) {
		src.Report("load.class", fmt.Sprintf("%q is no name of a class of data: want lower-case letters, digits and dashes", l.Class), "")
	}
	if src.Given("load.closedLoop") {
		limitDuration(src, "load.closedLoop.for", l.ClosedLoop.For)
		limitInt(src, "load.closedLoop.writers", l.ClosedLoop.Writers)
	}
	m := l.Mix
	if src.Given("load.mix") || m != (workload.Mix{}) {
		if sum := m.Write + m.CAS + m.Add + m.Transfer + m.Publish + m.Append; sum != 100 || min(m.Write, m.CAS, m.Add, m.Transfer, m.Publish, m.Append) < 0 {
			src.Report("load.mix", fmt.Sprintf("%d write + %d cas + %d add + %d transfer + %d publish + %d append is %d, want shares of 100", m.Write, m.CAS, m.Add, m.Transfer, m.Publish, m.Append, sum), "")
		}
	}
}

// validateExpectedFailures requires the ids of the checks that must fail from a scenario
// that expects fail, and from no other.
func validateExpectedFailures(src *yamlfile.Source, expect record.Verdict, failures []string) {
	for i, id := range failures {
		src.RequireOneOf(fmt.Sprintf("expectedFailures[%d]", i), id, record.Checks())
	}
	switch {
	case src.Reported("expect"): // the expectation is unknown, so its failures cannot be validated
	case expect != record.Fail && (len(failures) > 0 || src.Given("expectedFailures")):
		src.Report("expectedFailures", "is for scenarios with expect: fail", "")
	case expect == record.Fail && len(failures) == 0:
		src.Report("expectedFailures", "is missing: expect: fail needs the ids of the checks that must fail. There are "+strings.Join(record.Checks(), ", "), "")
	}
}

// stageNames are the parts of a recovery that can have a budget.
var stageNames = []string{"detect", "arbitrate", "elect", "switch", "first success", "stable"}

func validateObjectives(src *yamlfile.Source, o record.Objectives) {
	limitDuration(src, "objectives.rto", o.RTO)
	if s := o.StaleReads; s != nil {
		limitDuration(src, "objectives.staleReads.maxAge", s.MaxAge)
		switch {
		case s.Allowed == (s.MaxAge > 0):
			src.Report("objectives.staleReads", "wants either allowed: true or a maxAge", "")
		case o.Linearizable == nil || *o.Linearizable:
			src.Report("objectives.staleReads", "allows what is never linearizable: give linearizable: false as well", "")
		}
	}
	limitDuration(src, "objectives.goodLatency", o.GoodLatency)
	limitDuration(src, "objectives.bucket", o.Bucket)
	limitDuration(src, "objectives.stable", o.Stable)
	for _, name := range slices.Sorted(maps.Keys(o.Latency)) {
		field := "objectives.latency." + name
		src.RequireOneOf(field, name, slices.Sorted(maps.Keys(record.Percentiles())))
		src.RequireDuration(field, o.Latency[name], time.Millisecond, time.Minute)
	}
	if o.RPO < 0 {
		src.Report("objectives.rpo", fmt.Sprintf("%d is out of range: want 0 or more lost writes", o.RPO), "")
	}
	if o.Availability < 0 || o.Availability > 1 {
		src.Report("objectives.availability", fmt.Sprintf("%v is out of range: want a share from 0 to 1", o.Availability), "")
	}
	if o.Redelivered != nil && *o.Redelivered < 0 {
		src.Report("objectives.redelivered", fmt.Sprintf("%d is out of range: want 0 or more", *o.Redelivered), "")
	}
	if o.FalseAlarms != nil && *o.FalseAlarms < 0 {
		src.Report("objectives.falseAlarms", fmt.Sprintf("%d is out of range: want 0 or more", *o.FalseAlarms), "")
	}
	if len(o.ExpectEvents) == 0 && src.Given("objectives.expectEvents") && !src.Reported("objectives.expectEvents") {
		src.Report("objectives.expectEvents", "is empty: name an event, or leave it out", "")
	}
	for _, name := range slices.Sorted(maps.Keys(o.Stages)) {
		field := "objectives.stages." + name
		src.RequireOneOf(field, name, stageNames)
		src.RequireDuration(field, o.Stages[name], time.Millisecond, maxDuration)
	}
}
