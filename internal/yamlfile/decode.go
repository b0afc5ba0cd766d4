// Package yamlfile reads files that people write by hand: strictly, with everything
// that is wrong and its place, and the nearest valid name where there is one. It knows
// no kind of file; scenarios and target files are read with it.
package yamlfile

import (
	"bytes"
	"cmp"
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

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// Options are what a kind of file has of its own.
type Options struct {
	// Noun is what one file holds: "scenario".
	Noun string
	// MaxBytes is the length of the longest file that is read.
	MaxBytes int
	// CurrentName returns today's name of a field that the file calls key in the mapping
	// at path. Nil means that no field has a former name.
	CurrentName func(path, key string) string
	// Choose returns the value, a pointer to a struct, that a field of an interface type
	// is decoded into; around is the struct that the field is in, with its other fields
	// already decoded. False leaves the field as it is: what it depends on is wrong.
	Choose func(around reflect.Value) (any, bool)
	// MaxEntries returns how many entries a list of the type may have; 0 means 1000.
	MaxEntries func(of reflect.Type) int
	// Substitute returns the node that stands for the node at path, which is itself where
	// nothing is to be substituted; false after a report.
	Substitute func(src *Source, n ast.Node, path string) (ast.Node, bool)
}

// MaxEntries is how many entries a list may have, unless Options.MaxEntries says otherwise.
const MaxEntries = 1000

const maxNesting = 32 // lists and mappings in each other

const byteOrderMark = "\uFEFF"

// Decode fills the struct that out points to from a YAML file, by the struct's yaml
// tags, and returns where the file has which field and what is wrong with it. The
// library's own decoder stops at the first error and drops the positions of the
// fields; this one continues and keeps them. Anchors, aliases, merges, tags and further
// documents are rejected, so that every reader understands a file in the same way.
func Decode(file string, data []byte, out any, o Options) *Source {
	src, body := Parse(file, data, o)
	if body != nil {
		src.DecodeNode(body, out, o)
	}
	return src
}

// Parse returns the file's one document, or nil when the source says what is wrong.
func Parse(file string, data []byte, o Options) (*Source, ast.Node) {
	d := decoder{NewSource(file), o}
	switch {
	case o.MaxBytes > 0 && len(data) > o.MaxBytes:
		d.Report("", fmt.Sprintf("is longer than %d KiB", o.MaxBytes>>10), "")
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		d.Report("", "is UTF-16: save it as UTF-8", "")
	default:
		// Some editors write a byte order mark, and YAML allows it.
		return d.Source, d.parse(bytes.TrimPrefix(data, []byte(byteOrderMark)))
	}
	return d.Source, nil
}

// DecodeNode is Decode for a document that has been parsed.
func (s *Source) DecodeNode(body ast.Node, out any, o Options) {
	d := decoder{s, o}
	defer d.recovered()
	d.decodeValue(body, reflect.ValueOf(out).Elem(), "")
}

// Readable says whether the file is YAML with a mapping at its top, so that it makes
// sense to say more about its fields.
func (s *Source) Readable() bool { return !s.whole[""] }

type decoder struct {
	*Source
	options Options
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// parse returns the one document, or nil after a report.
func (d decoder) parse(data []byte) (body ast.Node) {
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
		d.Report("", "is empty: it holds no "+d.options.Noun, "")
		return nil
	}
	if len(docs) > 1 {
		d.Report("", fmt.Sprintf("has %d documents, want one %s", len(docs), d.options.Noun), "")
		return nil
	}
	return docs[0].Body
}

// recovered reports a panic that is under way as an error of the file, because the YAML
// parser sees arbitrary input.
func (d decoder) recovered() {
	if r := recover(); r != nil {
		d.Report("", fmt.Sprintf("is not YAML that can be read: %v", r), "")
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
		d.Place(path, n)
	}
	if d.options.Substitute != nil {
		var ok bool
		if n, ok = d.options.Substitute(d.Source, n, path); !ok {
			return
		}
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		d.decodeValue(n, v.Elem(), path)
		return
	}
	switch x := n.(type) {
	case *ast.NullNode:
		d.Report(path, "has no value", "")
		return
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode, *ast.DirectiveNode:
		d.Report(path, "anchors, aliases, tags and merges are not allowed: write the value out", "")
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

// Mapping lists the entries of a mapping; nil for any other node.
func Mapping(n ast.Node) []*ast.MappingValueNode {
	switch n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode:
		return pairs(n)
	}
	return nil
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
		d.Report(path, "is a mapping, want "+DescribeType(v.Type()), "")
		return
	}
	seen := map[string]string{} // the key that gave each field, by the field's current name
	var late []func()           // fields whose type depends on the others
	for _, kv := range kvs {
		written := Key(kv)
		key := d.currentName(path, written)
		field := Join(path, key)
		if before, given := seen[key]; given {
			d.reportAt(positionOf(kv.Key), Join(path, written), describeDuplicate(before, written, key), "")
			continue
		}
		seen[key] = written
		d.Place(field, kv.Key)
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
			d.Report(field, message, suggest.Closest(key, known))
		default:
			f := fieldOf(v, key)
			if f.Kind() == reflect.Interface {
				late = append(late, func() { d.decodeChosen(kv.Value, v, f, field) })
			} else {
				d.decodeValue(kv.Value, f, field)
			}
		}
	}
	for _, read := range late {
		read()
	}
}

// decodeChosen reads a field whose type depends on the other fields of the struct.
func (d decoder) decodeChosen(n ast.Node, around, field reflect.Value, path string) {
	if d.options.Choose == nil {
		return
	}
	to, ok := d.options.Choose(around)
	if !ok {
		return
	}
	d.decodeValue(n, reflect.ValueOf(to).Elem(), path)
	field.Set(reflect.ValueOf(to))
}

func (d decoder) currentName(path, key string) string {
	if d.options.CurrentName == nil {
		return key
	}
	return d.options.CurrentName(path, key)
}

// describeDuplicate says why a field may not be given here: the mapping has it
// already, under the name before.
func describeDuplicate(before, key, current string) string {
	if before == key {
		return "is given twice"
	}
	former := key
	if key == current {
		former = before
	}
	return fmt.Sprintf("is given twice: %q is the former name of %q; keep %q alone", former, current, current)
}

func (d decoder) decodeList(n *ast.SequenceNode, v reflect.Value, path string) {
	if v.Kind() != reflect.Slice {
		d.Report(path, "is a list, want "+DescribeType(v.Type()), "")
		return
	}
	limit := MaxEntries
	if d.options.MaxEntries != nil {
		limit = cmp.Or(d.options.MaxEntries(v.Type().Elem()), MaxEntries)
	}
	if len(n.Values) > limit { // before each entry is looked at
		d.Report(path, fmt.Sprintf("has %d entries, want at most %d", len(n.Values), limit), "")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Values), len(n.Values)))
	for i, e := range n.Values {
		d.decodeValue(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// Place records that the file has a field at a node.
func (s *Source) Place(field string, n ast.Node) { s.positions[field] = positionOf(n) }

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

// Key is the name that an entry gives.
func Key(kv *ast.MappingValueNode) string {
	if s, ok := kv.Key.(*ast.StringNode); ok {
		return s.Value
	}
	if t := kv.Key.GetToken(); t != nil {
		return t.Value
	}
	return ""
}

// Join returns the path of the field key in the mapping at path.
func Join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// fields lists the names that a struct's fields have in YAML.
func fields(t reflect.Type) []string {
	var out []string
	for i := range t.NumField() {
		if name := FieldName(t.Field(i)); name != "" {
			out = append(out, name)
		}
	}
	return out
}

func fieldOf(v reflect.Value, name string) reflect.Value {
	for i := range v.NumField() {
		if FieldName(v.Type().Field(i)) == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// FieldName is the name that a field of a struct has in the file; empty for none.
func FieldName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
	return name
}
