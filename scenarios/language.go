package scenarios

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Field is a field of the scenario language: its shape as the types of the loader have it,
// and its meaning as the manual has it. A JSON Schema and "holdfast explain" are made of it.
type Field struct {
	Name string `json:"name"`
	Path string `json:"path"` // from the top of the file, without indices: "steps.on.count"
	Type string `json:"type"` // "duration, such as 5s"; of an entry where List is true
	List bool   `json:"list,omitempty"`
	// Description is what the manual says of the field, or of the nearest field around it that the
	// manual has a row for. LeftOut is what counts when the field is not given.
	Description string `json:"description"`
	LeftOut     string `json:"leftOut,omitempty"`
	Required    bool   `json:"required,omitempty"`
	// Values are the only values that there are; empty where others can be given.
	Values []string `json:"values,omitempty"`
	Range  string   `json:"range,omitempty"` // "1 to 100"
	Former []string `json:"former,omitempty"`
	// Fields are those of a mapping. With has one entry for each fault where the fields depend on
	// the fault of the step.
	Fields []Field `json:"fields,omitempty"`
	With   []Field `json:"with,omitempty"`

	kind reflect.Type // of an entry where List is true
}

// Language is the whole of the scenario language: the file is its root field.
func Language() Field {
	root := Field{Type: "mapping", Description: "A scenario: which system runs, how clients drive it, which faults are injected, and which objectives must hold.", kind: reflect.TypeFor[Scenario]()}
	root.Fields = fieldsOf(root)
	return root
}

// Explain finds a field by its path, such as "steps.on.count" or "steps.with.latency.delay".
// Indices are ignored. The error suggests the nearest name.
func Explain(path string) (Field, error) {
	f := Language()
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		name, _, _ = strings.Cut(name, "[")
		inside := append(slices.Clone(f.Fields), f.With...)
		names := make([]string, len(inside))
		for i, in := range inside {
			names[i] = in.Name
		}
		i := slices.IndexFunc(inside, func(in Field) bool { return in.Name == name || slices.Contains(in.Former, name) })
		if i < 0 {
			where := cmp.Or(f.Path, "a scenario")
			if len(names) == 0 {
				return Field{}, fmt.Errorf("%s has no fields, and so no %q", where, name)
			}
			err := fmt.Errorf("%s has no field %q; there are %s", where, name, strings.Join(names, ", "))
			if n := suggest.Closest(name, names); n != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, yamlfile.Join(f.Path, n))
			}
			return Field{}, err
		}
		f = inside[i]
	}
	return f, nil
}

// fieldsOf lists the fields of a mapping.
func fieldsOf(of Field) []Field {
	if of.kind.Kind() != reflect.Struct || yamlfile.IsText(of.kind) {
		return nil
	}
	out := []Field{}
	for f := range of.kind.Fields() {
		if name := yamlfile.FieldName(f); name != "" {
			out = append(out, newField(of, name, f.Type))
		}
	}
	return out
}

func newField(of Field, name string, t reflect.Type) Field {
	f := Field{Name: name, Path: yamlfile.Join(of.Path, name), kind: t, Description: of.Description}
	for f.kind.Kind() == reflect.Pointer {
		f.kind = f.kind.Elem()
	}
	if f.kind.Kind() == reflect.Slice {
		f.List, f.kind = true, f.kind.Elem()
	}
	f.Type = yamlfile.DescribeType(f.kind)
	if row, ok := manualTables()[headingOf(of)][name]; ok {
		f.Description, f.LeftOut = row.meaning, row.leftOut
	}
	f.Required = slices.Contains(required, f.Path)
	f.Values = valuesOf(f)
	f.Range = rangeOf(f.Path)
	for former, now := range formerNames {
		if yamlfile.Enclosing(former) == of.Path && now == name {
			f.Former = append(f.Former, former[strings.LastIndex(former, ".")+1:])
		}
	}
	switch {
	case f.kind == faultType:
		f.Type = "mapping"
		for _, e := range faults.Catalogue() {
			with := Field{Name: e.Name, Path: yamlfile.Join(f.Path, e.Name), Type: "mapping", Description: e.Doc, kind: reflect.TypeOf(e.New()).Elem()}
			with.Fields = fieldsOf(with)
			f.With = append(f.With, with)
		}
	case f.kind == stepType && f.Path != "steps": // members of a group, which are steps themselves
	case f.kind.Kind() == reflect.Map:
		element := f.kind.Elem()
		for _, key := range f.Values {
			f.Fields = append(f.Fields, newField(Field{Path: f.Path, Description: f.Description}, key, element))
		}
		f.Values = nil
	default:
		f.Fields = fieldsOf(f)
	}
	return f
}

// headingOf is the manual's heading over the fields of a mapping.
func headingOf(f Field) string {
	if name, ok := strings.CutPrefix(f.Path, "steps.with."); ok {
		return name
	}
	return manualHeadings[f.Path]
}

// required are the fields that every scenario must give.
var required = []string{"name", "steps"}

// valuesOf lists the values, or the keys, that a field can have where there are no others.
func valuesOf(f Field) []string {
	switch f.Path {
	case "labels":
		return Labels()
	case "topology.nodes":
		return []string{"1", "3", "5"}
	case "steps.fault":
		var names []string
		for _, e := range faults.Catalogue() {
			names = append(names, e.Name)
		}
		return names
	case "expect":
		return stringsOf(verdicts)
	case "expectedFailures":
		return record.Checks()
	case "loadPhases.only":
		return loadClasses
	case "objectives.stages":
		return stageNames
	case "objectives.latency":
		return slices.Sorted(maps.Keys(record.Percentiles()))
	}
	if f.kind == reflect.TypeFor[topology.Role]() {
		return stringsOf(roles)
	}
	if v, ok := reflect.Zero(f.kind).Interface().(interface{ Values() []string }); ok {
		return v.Values()
	}
	return nil
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	faultType    = reflect.TypeFor[faults.Fault]()
	stepType     = reflect.TypeFor[StepSpec]()
)
