package scenarios

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// slo is the constants that a run is judged with.
var slo = record.SLOParams{}.Resolve()

// minObservation is what must be observed beyond the RTO objective: the stability
// window, and the latency of the operation that opens it.
var minObservation = slo.Stable + slo.Latency

// Resolve makes every default and every random choice, on the topology that the
// target made from the scenario's topology spec. A seed of 0 means the scenario's own,
// or a random one where it has none. The error is a Diagnostics with positions
// in the file. A selector that matches no node is such an error.
func (s Scenario) Resolve(t topology.Topology, seed uint64) (Plan, error) {
	src := yamlfile.NewSource(s.Name)
	if s.source != nil {
		src = s.source.Positions()
	}
	s.validate(src)
	s.validateSelectors(src, t)
	if err := src.Err(); err != nil {
		return Plan{}, err
	}
	p := Plan{
		Scenario:         s.Name,
		Description:      strings.TrimSpace(s.Description),
		Labels:           append([]string{}, s.Labels...),
		Parameters:       s.Parameters,
		Drill:            s.Drill.Resolve(),
		Target:           cmp.Or(s.Target, "mcp"),
		TopologySpec:     s.Topology,
		Topology:         t,
		Load:             s.Load.Resolve(),
		Seed:             cmp.Or(seed, s.Seed),
		Baseline:         cmp.Or(s.Baseline, 5*time.Second),
		Objectives:       s.Objectives.Resolve(),
		Guards:           s.Guards.Resolve(),
		BlastRadius:      s.BlastRadius,
		LoadPhases:       s.resolveLoadPhases(),
		Expect:           cmp.Or(s.Expect, record.Pass),
		ExpectedFailures: record.CanonicalChecks(s.ExpectedFailures),
	}
	if p.Seed == 0 {
		p.Seed = newSeed()
	}
	if len(p.Parameters) > 0 {
		p.Description = strings.TrimSpace(p.Description + "\nParameters: " + describeParameters(p.Parameters) + ".")
	}
	// A shorter observation could not show that the RTO objective was missed.
	own := p.Objectives.SLO(slo)
	p.Observe = max(cmp.Or(s.Observe, p.Objectives.RTO+10*time.Second), p.Objectives.RTO+own.Stable+own.Latency)
	var err error
	if p.Steps, err = s.episodes(p); err != nil {
		return p, err
	}
	p.validateBlastRadius(src)
	if err := src.Err(); err != nil {
		return Plan{}, err
	}
	return p, nil
}

// newSeed returns a random seed. It is not 0, and has 53 bits, so that JSON readers that hold
// numbers as float64 keep it exact.
func newSeed() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])>>11 | 1
}

// episodes repeats the steps for each episode, each step at its offset in the plan.
func (s Scenario) episodes(p Plan) ([]Step, error) {
	n := max(s.Episodes, 1)
	begin := time.Duration(0)
	out := []Step{}
	for e := 1; e <= n; e++ {
		if n > 1 {
			begin += p.startJitter(e, cmp.Or(s.StartJitter, time.Second))
		}
		end := begin
		for _, o := range occurrences(s.Steps) {
			step, err := o.step(begin)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", s.Name, o.id, err)
			}
			step.Episode = e
			prefix := ""
			if n > 1 {
				prefix = fmt.Sprintf("%d.", e)
			}
			step.ID = prefix + o.id
			if step.When.Kind == StepReached { // in the same episode
				step.When.Step = prefix + step.When.Step
			}
			step.Seed = p.DeriveSeed(step.ID)
			end = max(end, step.End())
			out = append(out, step)
		}
		begin = end + cmp.Or(s.EpisodeGap, s.recoveryGap(p, end-begin))
	}
	slices.SortStableFunc(out, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	return out, nil
}

// startJitter is the random delay before an episode.
func (p Plan) startJitter(episode int, bound time.Duration) time.Duration {
	const grain = time.Millisecond // a finer one would make plans hard to read
	// The former name of the field is the name of the use here: another would change the plans that
	// stored seeds resolve to.
	random := p.DeriveSeed(fmt.Sprintf("phase %d", episode)) % uint64(bound/grain)
	return time.Duration(random) * grain
}

// recoveryGap is the time between episodes after which a system that meets its RTO
// has been stable for one stability window, whichever step it recovers from. It is
// at least one stability window.
func (s Scenario) recoveryGap(p Plan, length time.Duration) time.Duration {
	last := time.Duration(0)
	for _, o := range occurrences(s.Steps) {
		last = max(last, o.at+o.within+o.delay)
	}
	stable := p.Objectives.SLO(slo).Stable
	return max(stable, last+p.Objectives.RTO+stable-length)
}

// step is the step of the plan, in an episode that begins at an offset.
func (d occurrence) step(begin time.Duration) (Step, error) {
	e, err := faults.Find(d.Fault)
	if err != nil {
		return Step{}, err
	}
	with := e.New()
	if d.With != nil {
		if reflect.TypeOf(d.With) != reflect.TypeOf(with) {
			return Step{}, fmt.Errorf("with is %T, want the settings of %s", d.With, d.Fault)
		}
		// Each step gets a copy of the settings, so that runs share none.
		reflect.ValueOf(with).Elem().Set(reflect.ValueOf(d.With).Elem())
	}
	return Step{
		At: begin + d.at, When: d.when, Within: d.within, Delay: d.delay,
		For: d.length(), Ramp: d.Ramp, Fault: d.Fault, On: d.On, To: d.To, With: with,
	}, nil
}

// validateSelectors reports names that the topology does not have, and selectors
// that match none of its nodes.
func (s Scenario) validateSelectors(src *yamlfile.Source, t topology.Topology) {
	for i, d := range s.Steps {
		validateTriggerNode(src, fmt.Sprintf("steps[%d].when", i), d.When, t)
	}
	walkSteps(s.Steps, "steps", func(path string, step *StepSpec) {
		d := *step
		path += "."
		validateSelector(src, path+"on", d.On, t)
		validateSelector(src, path+"to", d.To, t)
		on, to := t.Select(d.On), t.Select(d.To)
		if !faults.ClientsOnly(d.With) && !d.On.ResolvedAtInjection() && !d.To.ResolvedAtInjection() && len(to) > 0 {
			for _, n := range to {
				if slices.ContainsFunc(on, func(o topology.Node) bool { return o.ID == n.ID }) {
					src.Report(path+"to", fmt.Sprintf("%s is on both sides", n.ID), "")
				}
			}
		}
		validateShortest(src, path+"for", d, t)
		if !src.Reported(path+"on") && !src.Reported(path+"to") {
			validateOutcomes(src, path, d, t)
		}
	})
	validateLoadPhaseNames(src, s.LoadPhases, t)
	regions := stringsOf(t.Regions())
	for i, d := range s.Topology.Latency {
		src.RequireOneOf(fmt.Sprintf("topology.latency[%d].a", i), string(d.A), regions)
		src.RequireOneOf(fmt.Sprintf("topology.latency[%d].b", i), string(d.B), regions)
	}
}

// validateShortest reports a fault that is over before it can be proved: it would last longer
// than asked, or leave the run undecided.
func validateShortest(src *yamlfile.Source, field string, d StepSpec, t topology.Topology) {
	e, err := faults.Find(d.Fault)
	if err != nil || src.Reported(field) || d.For == 0 {
		return
	}
	with := d.With
	if with == nil {
		with = e.New()
	}
	var roundTrip time.Duration
	for _, l := range t.Latency {
		roundTrip = max(roundTrip, 2*l.OneWay)
	}
	shortest, why := faults.Shortest(with, roundTrip)
	if d.Ramp > 0 {
		shortest, why = shortest+d.Ramp, fmt.Sprintf("it grows for %v, and then %s", d.Ramp, why)
	}
	if d.For < shortest {
		src.Report(field, fmt.Sprintf("%v is too short for %s to be proved: want at least %v, because %s", d.For, d.Fault, shortest, why), "")
	}
}

// validateOutcomes reports a step that has no victims whoever has the roles that it names.
func validateOutcomes(src *yamlfile.Source, path string, d StepSpec, t topology.Topology) {
	s := Step{Fault: d.Fault, On: d.On, To: d.To}
	if !s.On.ResolvedAtInjection() && !s.To.ResolvedAtInjection() {
		return
	}
	// Any node counts as a candidate: which may lead is the target's business, and may change.
	nodes := idsOf(t.Nodes)
	var problem string
	for _, holders := range holdersAmong(s, t, func(topology.Role) []topology.NodeID { return slices.Clone(nodes) }) {
		on, to, err := s.Victims(t, holders)
		switch {
		case isEmptySelection(err):
			return
		case err != nil:
			problem = err.Error()
		case !faults.ClientsOnly(d.With) && len(to) > 0 && len(without(on, to)) == 0 && len(without(to, on)) == 0 && len(on) == 1:
			problem = "to: is the same node as on"
		default:
			return
		}
	}
	side, message, _ := strings.Cut(problem, ": ")
	if len(s.Roles()) > 0 {
		message += ", whichever nodes have the roles"
	}
	src.Report(path+side, message, "")
}

func validateSelector(src *yamlfile.Source, path string, s topology.Selector, t topology.Topology) {
	if s.Empty() || s.AllowEmpty { // what there is not may be named
		return
	}
	var nodes, services []string
	for _, n := range t.Nodes {
		nodes = append(nodes, string(n.ID))
		if !slices.Contains(services, n.Service) {
			services = append(services, n.Service)
		}
	}
	if s.Region != "" {
		src.RequireOneOf(path+".region", string(s.Region), stringsOf(t.Regions()))
	}
	if s.Node != "" && !s.Node.Pattern() {
		src.RequireOneOf(path+".node", string(s.Node), nodes)
	}
	if s.Service != "" {
		src.RequireOneOf(path+".service", s.Service, services)
	}
	if s.Not.Region != "" {
		src.RequireOneOf(path+".not.region", string(s.Not.Region), stringsOf(t.Regions()))
	}
	if s.Not.Node != "" && !s.Not.Node.Pattern() {
		src.RequireOneOf(path+".not.node", string(s.Not.Node), nodes)
	}
	if s.Not.Service != "" {
		src.RequireOneOf(path+".not.service", s.Not.Service, services)
	}
	if src.Reported(path) {
		return
	}
	if len(t.Select(s)) == 0 {
		src.Report(path, "matches no node; there are "+strings.Join(nodes, ", "), "")
	}
}

func stringsOf[T ~string](in []T) []string {
	out := make([]string, len(in))
	for i, s := range in {
		out[i] = string(s)
	}
	return out
}
