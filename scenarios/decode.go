package scenarios

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// decoder fills structs from YAML nodes by their yaml tags. The library's own decoder
// stops at the first error and drops the positions of the fields; this one continues
// and keeps them. Anchors, aliases, merges, tags and further documents are rejected,
// so that every reader understands a scenario in the same way.
type decoder struct {
	*diagnosticCollector
	combination *combination // of the file's parameters; nil while there is none
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	faultType    = reflect.TypeFor[faults.Fault]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	stepType     = reflect.TypeFor[StepSpec]()
)

// parseDocument returns the file's one document, or nil after a report. A panic of the YAML parser is
// reported as an error of the file, because the parser sees arbitrary input.
func (d decoder) parseDocument(data []byte) (body ast.Node) {
	defer d.recovered()
	tokens := lexer.Tokenize(string(data))
	if deep, ok := tooDeep(tokens); ok {
		d.reportAt(position{deep.Position.Line, deep.Position.Column}, "", fmt.Sprintf("lists and mappings are nested more than %d deep", maxNesting), "")
		return nil
	}
	f, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	docs := slices.DeleteFunc(f.Docs, func(n *ast.DocumentNode) bool { return n.Body == nil })
	if len(docs) == 0 {
		d.report("", "is empty: it holds no scenario", "")
		return nil
	}
	if len(docs) > 1 {
		d.report("", fmt.Sprintf("has %d documents, want one scenario", len(docs)), "")
		return nil
	}
	return docs[0].Body
}

// decodeBody reads a document into out.
func (d decoder) decodeBody(body ast.Node, out any) {
	defer d.recovered()
	d.decodeValue(body, reflect.ValueOf(out).Elem(), "")
}

// recovered reports a panic that is under way.
func (d decoder) recovered() {
	if r := recover(); r != nil {
		d.report("", fmt.Sprintf("is not YAML that can be read: %v", r), "")
	}
}

// tooDeep returns the token that is nested too deeply. The parser is recursive, and took
// 1.4 GB for 30,000 brackets.
func tooDeep(tokens token.Tokens) (*token.Token, bool) {
	flow, entries, line := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType: // "- - -" nests on one line
			if t.Position.Line != line {
				entries, line = 0, t.Position.Line
			}
			entries++
		}
		if flow > maxNesting || entries > maxNesting {
			return t, true
		}
	}
	return nil, false
}

// decodeValue decodes a node into v, which is the field named path.
func (d decoder) decodeValue(n ast.Node, v reflect.Value, path string) {
	if _, known := d.positions[path]; !known {
		d.recordPosition(path, n)
	}
	n, ok := d.substitute(n, path)
	if !ok {
		return
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.decodeValue(n, v.Elem(), path)
		return
	}
	switch x := n.(type) {
	case *ast.NullNode:
		d.report(path, "has no value", "")
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.DirectiveNode:
		d.report(path, "anchors, aliases, tags and merges are not allowed: write the value out", "")
		return
	case *ast.MappingNode, *ast.MappingValueNode:
		d.decodeMapping(pairs(x), v, path)
		return
	case *ast.SequenceNode:
		d.decodeList(x, v, path)
		return
	}
	d.decodeScalar(n, v, path)
}

func pairs(n ast.Node) []*ast.MappingValueNode {
	if one, ok := n.(*ast.MappingValueNode); ok {
		return []*ast.MappingValueNode{one}
	}
	return n.(*ast.MappingNode).Values
}

func (d decoder) decodeMapping(kvs []*ast.MappingValueNode, v reflect.Value, path string) {
	var known []string
	switch {
	case v.Kind() == reflect.Struct && !v.Addr().Type().Implements(textType):
		known = fields(v.Type())
	case v.Kind() == reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
	default:
		d.report(path, "is a mapping, want "+describeType(v.Type()), "")
		return
	}
	seen := map[string]string{} // the key that gave each field, by the field's current name
	var late []func()           // settings of faults, which are decoded once the name of the fault is known
	for _, kv := range kvs {
		written := keyOf(kv)
		key := currentName(path, written)
		field := join(path, key)
		if before, given := seen[key]; given {
			d.reportAt(positionOf(kv.Key), join(path, written), describeDuplicate(before, written, key), "")
			continue
		}
		seen[key] = written
		d.recordPosition(field, kv.Key)
		switch {
		case v.Kind() == reflect.Map:
			e := reflect.New(v.Type().Elem()).Elem()
			d.decodeValue(kv.Value, e, field)
			v.SetMapIndex(reflect.ValueOf(key).Convert(v.Type().Key()), e)
		case !slices.Contains(known, key):
			message := "is no field here; there are " + strings.Join(known, ", ")
			if len(known) == 0 {
				message = "is no field here; there are none"
			}
			d.report(field, message, suggest.Closest(key, known))
		default:
			f := fieldOf(v, key)
			if f.Type() == faultType {
				late = append(late, func() { d.decodeSettings(kv.Value, v, f, field) })
			} else {
				d.decodeValue(kv.Value, f, field)
			}
		}
	}
	for _, read := range late {
		read()
	}
}

// decodeSettings reads `with` into the settings of the fault that the step names.
func (d decoder) decodeSettings(n ast.Node, step, with reflect.Value, path string) {
	f, err := faults.New(step.FieldByName("Fault").String())
	if err != nil {
		return // validate reports the unknown fault
	}
	d.decodeValue(n, reflect.ValueOf(f).Elem(), path)
	with.Set(reflect.ValueOf(f))
}

func (d decoder) decodeList(n *ast.SequenceNode, v reflect.Value, path string) {
	if v.Kind() != reflect.Slice {
		d.report(path, "is a list, want "+describeType(v.Type()), "")
		return
	}
	limit := maxList
	if v.Type().Elem() == stepType {
		limit = maxSteps
	}
	if len(n.Values) > limit { // before each entry is looked at
		d.report(path, fmt.Sprintf("has %d entries, want at most %d", len(n.Values), limit), "")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Values), len(n.Values)))
	for i, e := range n.Values {
		d.decodeValue(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// recordPosition records the position of a field.
func (d decoder) recordPosition(field string, n ast.Node) { d.positions[field] = positionOf(n) }

func positionOf(n ast.Node) position {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		n = m.Values[0]
	}
	if kv, ok := n.(*ast.MappingValueNode); ok {
		n = kv.Key // the token of the pair itself is the colon
	}
	if n == nil || n.GetToken() == nil || n.GetToken().Position == nil {
		return position{}
	}
	p := n.GetToken().Position
	return position{p.Line, p.Column}
}

func keyOf(kv *ast.MappingValueNode) string {
	if s, ok := kv.Key.(*ast.StringNode); ok {
		return s.Value
	}
	if t := kv.Key.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fields lists the names that a struct's fields have in YAML.
func fields(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if name := yamlName(t.Field(i)); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if yamlName(v.Type().Field(i)) == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func yamlName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}
