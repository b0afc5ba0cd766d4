package record

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Files of earlier schemas are translated when they are read, so that the rest of
// the program uses the present names only. This file has every name that has changed,
// by file. Those of operations are in package history, those of plans in package scenarios.

// names maps the former names of an object's fields to the present ones.
type names map[string]field

// field is a field under its present name.
type field struct {
	name string              // "" where only what is inside has changed
	in   names               // of the object that it holds, or of each in its list
	text func(string) string // of the string that it holds, or of each in its list
}

var (
	formerCheck    = func(name string) field { return field{name: name, text: CanonicalCheck} }
	formerProof    = names{"saw": {name: "observed"}}
	formerFlow     = names{"flow": {name: "direction"}}
	formerTopology = names{
		"zones": {name: "regions"},
		"nodes": {in: names{"spare": {name: "standby"}}},
	}
	formerObjectives = names{
		"switch":   {name: "trafficSwitch"},
		"refuse":   {name: "rejectWithoutQuorum"},
		"shed":     {name: "loadShedding"},
		"tells":    {name: "expectEvents"},
		"autonomy": {name: "disconnectedOperation"},
	}
	formerPlan = names{
		"topology":         {in: formerTopology},
		"objectives":       {in: formerObjectives},
		"breaks":           formerCheck("expectedFailures"),
		"expectedFailures": formerCheck(""),
	}
	formerRun = names{
		"topology":         {in: formerTopology},
		"objectives":       {in: formerObjectives},
		"breaks":           formerCheck("expectedFailures"),
		"expectedFailures": formerCheck(""),
		"runtimeWhy":       {name: "runtimeReason"},
		"answers":          {name: "hasRejectionMarks"},
		"broken":           {name: "abortReason"},
		"sealed":           {name: "checksummed"},
		"faults": {in: names{
			"says":    {name: "description"},
			"streams": {name: "flows", in: formerFlow},
			"damage":  {name: "impact", in: names{"cuts": {name: "cutFlows", in: formerFlow}}},
			"felt":    {name: "active", in: formerProof},
			"gone":    {name: "cleared", in: formerProof},
			"spared":  {name: "controlUnaffected", in: formerProof},
		}},
	}
	formerEvent  = names{"says": {name: "description"}}
	formerSeries = names{"class": {text: formerClass}}
	formerResult = names{
		"breaks":           formerCheck("expectedFailures"),
		"expectedFailures": formerCheck(""),
		"findings":         {in: names{"promise": formerCheck("check"), "says": {name: "description"}}},
		"rto":              {in: names{"series": {in: formerSeries}, "stages": {in: names{"says": {name: "description"}}}}},
		"rpo":              {in: names{"lostFor": {name: "lossWindow"}, "silent": {name: "unreadableNodes"}}},
		"availability":     {in: names{"series": {in: names{"class": {text: formerClass}, "unsent": {name: "dropped"}, "minority": {name: "dueWithoutQuorum"}}}}},
		"deliveries":       {in: names{"invented": {name: "unexpected"}}},
		"definition": {name: "sloParams", in: names{
			"good": {name: "minGood"}, "throughput": {name: "minThroughput"}, "floor": {name: "minBaseline"},
		}},
	}
)

func formerClass(c string) string {
	if c == "edge" {
		return "local read"
	}
	return c
}

// formerKinds are the kinds of events whose words have changed, by source.
var formerKinds = map[EventSource]map[EventKind]EventKind{
	FromEngine: {"broken": EventAborted},
	FromProbe: {
		"effective": EventActive, "not felt": EventNotActive, "neighbour not spared": EventControlAffected,
		"gone": EventCleared, "not gone": EventNotCleared,
	},
}

// UpgradePlan renames the topology, the objectives and the expected failures in a plan of
// an earlier schema, and leaves a present plan unchanged. The other former names of a plan are
// translated by package scenarios. The error is that of JSON that cannot be parsed.
func UpgradePlan(plan json.RawMessage) (json.RawMessage, error) { return formerPlan.upgrade(plan) }

// upgradeEvent reads an event as earlier schemas wrote it.
func upgradeEvent(line []byte) (e Event, err error) {
	if line, err = formerEvent.upgrade(line); err != nil {
		return e, err
	}
	if err := json.Unmarshal(line, &e); err != nil {
		return e, err
	}
	if e.Source == "mesh" {
		e.Source = FromLinks
	}
	if now, renamed := formerKinds[e.Source][e.Kind]; renamed {
		e.Kind = now
	}
	return e, nil
}

// upgrade returns a JSON document with the present names. Where a document has both names of a
// field, the value under the present one is kept.
func (n names) upgrade(document []byte) ([]byte, error) {
	var v any
	d := json.NewDecoder(bytes.NewReader(document))
	d.UseNumber() // a seed has more digits than a float64
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	out, err := json.Marshal(n.rename(v))
	if err != nil {
		return nil, fmt.Errorf("translate from an earlier schema: %w", err)
	}
	return out, nil
}

func (n names) rename(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = n.rename(v[i])
		}
	case map[string]any:
		for former, f := range n {
			old, there := v[former]
			if !there {
				continue
			}
			old = translate(f.in.rename(old), f.text)
			if f.name == "" {
				v[former] = old
				continue
			}
			delete(v, former)
			if _, both := v[f.name]; !both {
				v[f.name] = old
			}
		}
	}
	return v
}

// translate applies text to a string or to each in a list.
func translate(v any, text func(string) string) any {
	if text == nil {
		return v
	}
	switch v := v.(type) {
	case string:
		return text(v)
	case []any:
		for i := range v {
			v[i] = translate(v[i], text)
		}
	}
	return v
}
