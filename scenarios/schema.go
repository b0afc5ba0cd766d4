package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/record"
)

// SchemaFile is where the source tree has the JSON Schema of the language, from its root.
const SchemaFile = "docs/scenario.schema.json"

// SchemaComment is the line with which a scenario file tells editors that speak to
// yaml-language-server where its schema is; the path is relative to the file.
func SchemaComment(path string) string { return "# yaml-language-server: $schema=" + path }

// jsonSchema is the part of JSON Schema, draft 7, that the language needs. Draft 7 is the newest that
// yaml-language-server supports in full.
type jsonSchema struct {
	Schema      string                 `json:"$schema,omitempty"`
	Title       string                 `json:"title,omitempty"`
	Description string                 `json:"description,omitempty"`
	Deprecated  string                 `json:"deprecationMessage,omitempty"` // of yaml-language-server
	Type        string                 `json:"type,omitempty"`
	Const       string                 `json:"const,omitempty"`
	Enum        []any                  `json:"enum,omitempty"`
	Pattern     string                 `json:"pattern,omitempty"`
	Minimum     *int                   `json:"minimum,omitempty"`
	Maximum     *int                   `json:"maximum,omitempty"`
	Items       *jsonSchema            `json:"items,omitempty"`
	MaxItems    int                    `json:"maxItems,omitempty"`
	Properties  map[string]*jsonSchema `json:"properties,omitempty"`
	Required    []string               `json:"required,omitempty"`
	Additional  any                    `json:"additionalProperties,omitempty"` // false, or a *jsonSchema
	MinFields   int                    `json:"minProperties,omitempty"`
	AllOf       []*jsonSchema          `json:"allOf,omitempty"`
	AnyOf       []*jsonSchema          `json:"anyOf,omitempty"`
	Ref         string                 `json:"$ref,omitempty"`
	Definitions map[string]*jsonSchema `json:"definitions,omitempty"`
	If          *jsonSchema            `json:"if,omitempty"`
	Then        *jsonSchema            `json:"then,omitempty"`
	Not         *jsonSchema            `json:"not,omitempty"`
}

// Schema is the JSON Schema of scenario files. It accepts every file that Parse accepts. What depends on
// several fields, or on the topology, only Parse and Resolve find.
func Schema() []byte {
	root := schemaOf(Language())
	root.Schema, root.Title = "http://json-schema.org/draft-07/schema#", "holdfast scenario"
	root.Definitions = map[string]*jsonSchema{"parameter": {
		Type: "string", Pattern: parameterUse.String(), Description: "A parameter of the matrix.",
	}}
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(root) // plain values always marshal
	return out.Bytes()
}

func schemaOf(f Field) *jsonSchema {
	s := entrySchema(f)
	if f.List {
		s = &jsonSchema{Type: "array", Items: s, MaxItems: yamlfile.MaxEntries}
		if f.kind == stepType {
			s.MaxItems = maxSteps
		}
	}
	s.Description = f.Description
	if f.LeftOut != "" {
		s.Description = strings.TrimSuffix(s.Description, ".") + ". When left out: " + strings.TrimSuffix(f.LeftOut, ".") + "."
	}
	return s
}

// durationPattern is what time.ParseDuration accepts, apart from figures that are too large.
const durationPattern = `^[-+]?(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+$`

func entrySchema(f Field) *jsonSchema {
	switch {
	case f.kind == stepType && f.Path != "steps":
		return &jsonSchema{Ref: "#/properties/steps/items"}
	case f.kind == faultType:
		return &jsonSchema{Type: "object"} // the fields depend on the fault; see stepSchema
	case f.Fields != nil:
		s := &jsonSchema{Type: "object", Properties: map[string]*jsonSchema{}, Additional: false}
		for _, in := range f.Fields {
			s.Properties[in.Name] = schemaOf(in)
			for _, former := range in.Former {
				s.Properties[former] = schemaOf(in)
				s.Properties[former].Deprecated = fmt.Sprintf("%s is the former name of %s.", former, in.Name)
			}
			if in.Required {
				s.Required = append(s.Required, in.Name)
			}
		}
		switch f.Path {
		case "steps":
			s.AllOf = faultSchemas(f)
			s.AnyOf = []*jsonSchema{{Required: []string{"fault", "on"}}, {Required: []string{"serial"}}, {Required: []string{"parallel"}}}
		case "steps.on", "steps.to", "steps.on.not", "steps.to.not":
			s.MinFields = 1
		}
		return s
	case f.Path == "matrix":
		return &jsonSchema{Type: "object", Additional: &jsonSchema{Type: "array"}, MinFields: 1}
	case f.kind == durationType:
		return orParameter(&jsonSchema{Type: "string", Pattern: durationPattern})
	case yamlfile.IsText(f.kind):
		return &jsonSchema{Type: "string"}
	case f.Path == "name":
		return &jsonSchema{Type: "string", Pattern: validName.String()}
	}
	s := &jsonSchema{}
	values := f.Values
	if f.Path == "expectedFailures" {
		values = slices.Concat(values, record.FormerChecks())
	}
	for _, v := range values {
		s.Enum = append(s.Enum, v)
	}
	switch f.kind.Kind() {
	case reflect.Bool:
		s.Type = "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		s.Type = "integer"
		for i, v := range values {
			s.Enum[i], _ = strconv.Atoi(v)
		}
		if l, ok := intLimits[f.Path]; ok {
			s.Minimum, s.Maximum = &l[0], &l[1]
		} else if f.kind.Kind() == reflect.Uint64 {
			s.Minimum = new(int)
		}
	case reflect.Float64:
		s.Type = "number"
	default:
		if s.Type = "string"; len(s.Enum) == 0 {
			return s // a parameter is a text
		}
	}
	return orParameter(s)
}

// orParameter accepts a parameter of the matrix in the place of a value.
func orParameter(s *jsonSchema) *jsonSchema {
	return &jsonSchema{AnyOf: []*jsonSchema{s, {Ref: "#/definitions/parameter"}}}
}

// faultSchemas say for each fault which settings it has, and whether it has another side and a default
// length.
func faultSchemas(step Field) []*jsonSchema {
	with := step.Fields[slices.IndexFunc(step.Fields, func(f Field) bool { return f.Name == "with" })]
	var out []*jsonSchema
	for _, settings := range with.With {
		e, _ := faults.Find(settings.Name) // the entry that the field was made of
		then := &jsonSchema{Properties: map[string]*jsonSchema{"with": schemaOf(settings)}}
		if !e.Links {
			then.Properties["to"] = &jsonSchema{Not: &jsonSchema{}}
		}
		if e.For == 0 {
			then.Required = []string{"for"}
		}
		out = append(out, &jsonSchema{
			If:   &jsonSchema{Properties: map[string]*jsonSchema{"fault": {Const: e.Name}}, Required: []string{"fault"}},
			Then: then,
		})
	}
	return out
}
