package scenarios

import (
	"cmp"
	"encoding/json"
	"fmt"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
)

// formerNames maps the names that fields had in earlier versions of the
// language to the names they have now. The former name is a path from the top of
// the file; the current one is a field of the same struct. Scenario files and
// stored plans with former names are still read; suggestions and printed output
// use current names only.
var formerNames = map[string]string{
	"breaks":              "expectedFailures",
	"gap":                 "episodeGap",
	"phase":               "startJitter",
	"load.edge":           "localReads",
	"load.saturate":       "closedLoop",
	"load.slots":          "maxInFlight",
	"objectives.autonomy": "disconnectedOperation",
	"objectives.refuse":   "rejectWithoutQuorum",
	"objectives.shed":     "loadShedding",
	"objectives.switch":   "trafficSwitch",
	"objectives.tells":    "expectEvents",
}

// currentName returns today's name of the field that a file calls key in the
// struct at path.
func currentName(path, key string) string {
	if now, former := formerNames[yamlfile.Join(path, key)]; former {
		return now
	}
	return key
}

// formerPlanNames are further names that stored plans had and scenario files never did.
var formerPlanNames = map[string]string{"shape": "topologySpec"}

// UnmarshalJSON reads a plan, with today's names or with those of earlier
// versions.
func (p *Plan) UnmarshalJSON(b []byte) error {
	type plain Plan // without this method
	current, err := record.UpgradePlan(b)
	if err == nil {
		current, err = renameFields(current, "")
	}
	if err != nil {
		return fmt.Errorf("plan: %w", err)
	}
	return json.Unmarshal(current, (*plain)(p))
}

// renameFields gives the fields of a stored plan, or of its load, today's names.
func renameFields(b []byte, path string) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return nil, err
	}
	out := make(map[string]json.RawMessage, len(fields))
	for key, value := range fields {
		name := cmp.Or(formerPlanNames[yamlfile.Join(path, key)], currentName(path, key))
		if _, both := fields[name]; both && name != key {
			continue // today's name counts
		}
		if path == "" && key == "load" {
			var err error
			if value, err = renameFields(value, key); err != nil {
				return nil, fmt.Errorf("%s: %w", key, err)
			}
		}
		out[name] = value
	}
	return json.Marshal(out)
}
