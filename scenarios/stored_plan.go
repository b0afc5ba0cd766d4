package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/topology"
)

// maxPlanned bounds when a step of a plan may begin and how long it may last: an
// episode and the gap after it take at most so long.
const maxPlanned = maxEpisodes * (maxTimeline + maxDuration)

// ReadPlan reads the plan of a stored run. A record may come from somebody else, so its
// plan is held to the limits that a scenario file is held to.
func ReadPlan(stored []byte) (Plan, error) {
	var p Plan
	if err := json.Unmarshal(stored, &p); err != nil {
		return Plan{}, err
	}
	return p, p.validate()
}

func (p Plan) validate() error {
	src := yamlfile.NewSource("plan")
	if !validName.MatchString(p.Scenario) {
		src.Report("scenario", fmt.Sprintf("%q is no name: want at most 63 lower-case letters, digits and dashes", p.Scenario), "")
	}
	src.RequireDuration("baseline", p.Baseline, 0, maxPlanned)
	src.RequireDuration("observe", p.Observe, 0, 2*maxDuration)
	validateTopology(src, p.TopologySpec)
	validateLoad(src, p.Load)
	validateGuards(src, p.Guards)
	validateLoadPhaseNames(src, p.LoadPhases, p.Topology)
	for i, l := range p.LoadPhases {
		path := fmt.Sprintf("loadPhases[%d]", i)
		src.RequireDuration(path+".at", l.At, 0, maxPlanned)
		src.RequireDuration(path+".for", l.For, 0, maxPlanned)
		src.RequireDuration(path+".within", l.Within, 0, maxPlanned)
		if l.Times < minTimes || l.Times > maxTimes {
			src.Report(path+".times", fmt.Sprintf("%g is out of range", l.Times), "")
		}
	}
	if len(p.Steps) > maxFaults {
		src.Report("steps", fmt.Sprintf("has %d entries, want at most %d", len(p.Steps), maxFaults), "")
		return src.Err()
	}
	for i, s := range p.Steps {
		path := fmt.Sprintf("steps[%d]", i)
		src.RequireDuration(path+".at", s.At, 0, maxPlanned)
		src.RequireDuration(path+".for", s.For, 0, maxPlanned)
		src.RequireDuration(path+".ramp", s.Ramp, 0, maxPlanned)
		src.RequireDuration(path+".within", s.Within, 0, maxPlanned)
		src.RequireDuration(path+".delay", s.Delay, 0, maxPlanned)
		if e, err := faults.Find(s.Fault); err == nil { // a plan with an unknown fault is not read
			validateSettings(src, path+".with", StepSpec{Fault: s.Fault, With: s.With}, e)
		}
		validateTriggerNode(src, path+".when", s.When, p.Topology)
		validateSelectorFields(src, path+".on", s.On)
		validateSelectorFields(src, path+".to", s.To)
		validateSelector(src, path+".on", s.On, p.Topology)
		validateSelector(src, path+".to", s.To, p.Topology)
	}
	return src.Err()
}

// RequireTopology returns an error that names the first difference between the topology
// of the plan and the one that its target makes of the same spec today. What a plan
// says of programs, images, arguments and addresses is data of whoever wrote the
// record, and running it would be running his programs.
func (p Plan) RequireTopology(of topology.Topology) error {
	for i, n := range p.Topology.Nodes {
		now, known := of.Node(n.ID)
		if !known {
			return fmt.Errorf("the plan has a node %s that target %s does not have", n.ID, p.Target)
		}
		if i >= len(of.Nodes) || of.Nodes[i].ID != n.ID {
			return fmt.Errorf("the plan lists its nodes in another order than target %s", p.Target)
		}
		if field, was, is := difference("node "+string(n.ID), reflect.ValueOf(n), reflect.ValueOf(now)); field != "" {
			return fmt.Errorf("%s is %s in the plan and %s in target %s", field, was, is, p.Target)
		}
	}
	if len(of.Nodes) > len(p.Topology.Nodes) {
		return fmt.Errorf("the plan lacks node %s of target %s", of.Nodes[len(p.Topology.Nodes)].ID, p.Target)
	}
	if field, was, is := difference("topology", reflect.ValueOf(p.Topology), reflect.ValueOf(of)); field != "" {
		return fmt.Errorf("%s is %s in the plan and %s in target %s", field, was, is, p.Target)
	}
	return nil
}

// difference names the first field in which two values of one type differ, and both
// values of it as JSON. An empty list is as good as none: JSON does not tell them apart.
func difference(name string, a, b reflect.Value) (field, was, is string) {
	if a.Kind() == reflect.Struct {
		for f, v := range a.Fields() {
			json, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if field, was, is := difference(name+"."+json, v, b.FieldByIndex(f.Index)); field != "" {
				return field, was, is
			}
		}
		return "", "", ""
	}
	if (a.Kind() == reflect.Slice || a.Kind() == reflect.Map) && a.Len() == 0 && b.Len() == 0 {
		return "", "", ""
	}
	if a.Kind() == reflect.Slice {
		for i := range min(a.Len(), b.Len()) {
			if field, was, is := difference(fmt.Sprintf("%s[%d]", name, i), a.Index(i), b.Index(i)); field != "" {
				return field, was, is
			}
		}
		if a.Len() != b.Len() {
			return "length of " + name, fmt.Sprint(a.Len()), fmt.Sprint(b.Len())
		}
		return "", "", ""
	}
	x, _ := json.Marshal(a.Interface()) // plain values always marshal
	y, _ := json.Marshal(b.Interface())
	if bytes.Equal(x, y) {
		return "", "", ""
	}
	return name, string(x), string(y)
}
