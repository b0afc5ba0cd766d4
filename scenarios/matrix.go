package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/internal/yamlfile"
)

// Matrix is the values of parameters by name. A scenario file with a matrix is one scenario for each combination
// of them, in which $NAME stands for the value.
type Matrix map[string][]ParameterValue

// ParameterValue is a value as it is written in the file; its type is that of the field where it is used.
type ParameterValue string

// UnmarshalText takes any value.
func (v *ParameterValue) UnmarshalText(text []byte) error {
	*v = ParameterValue(text)
	return nil
}

// Parameter is the value of a parameter in one of the scenarios that a file with a matrix makes.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (p Parameter) String() string { return p.Name + "=" + p.Value }

func describeParameters(all []Parameter) string {
	out := make([]string, len(all))
	for i, p := range all {
		out[i] = p.String()
	}
	return strings.Join(out, ", ")
}

var (
	parameterName = regexp.MustCompile(`^[a-z][A-Za-z0-9]{0,30}$`)
	parameterUse  = regexp.MustCompile(`^\$([A-Za-z][A-Za-z0-9]*)$`)
)

// matrixParameter is a parameter with its values, as nodes of the file.
type matrixParameter struct {
	name   string
	values []ast.Node
}

// readMatrix finds the parameters of a file, in its order. What is wrong with the shape of the matrix is reported when
// the file is decoded.
func readMatrix(src *yamlfile.Source, body ast.Node) []matrixParameter {
	var out []matrixParameter
	for _, top := range yamlfile.Mapping(body) {
		if yamlfile.Key(top) != "matrix" {
			continue
		}
		src.Place("matrix", top.Key)
		for _, kv := range yamlfile.Mapping(top.Value) {
			list, ok := kv.Value.(*ast.SequenceNode)
			if !ok {
				continue
			}
			p := matrixParameter{yamlfile.Key(kv), list.Values}
			field := yamlfile.Join("matrix", p.name)
			src.Place(field, kv.Key)
			switch {
			case !parameterName.MatchString(p.name):
				src.Report(field, "is no name of a parameter: want a lower-case letter, then letters and digits", "")
			case len(p.values) == 0:
				src.Report(field, "has no value", "")
			}
			for i, v := range p.values {
				switch v.(type) {
				case *ast.StringNode, *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
				default:
					src.Report(fmt.Sprintf("%s[%d]", field, i), "is no single value", "")
				}
			}
			out = append(out, p)
		}
	}
	return out
}

// combination chooses a value of each parameter.
type combination struct {
	names  []string
	values map[string]ast.Node
	used   map[string]bool
}

// combinations lists all of them, the last parameter changing first; one without parameters where there is no
// matrix. It reports a matrix of too many runs and returns nil.
func combinations(src *yamlfile.Source, matrix []matrixParameter) []*combination {
	out := []*combination{{values: map[string]ast.Node{}, used: map[string]bool{}}}
	for _, p := range matrix {
		if len(out)*len(p.values) > maxCombinationsOfMatrix {
			src.Report("matrix", fmt.Sprintf("makes more than %d runs", maxCombinationsOfMatrix), "")
			return nil
		}
		var next []*combination
		for _, before := range out {
			for _, v := range p.values {
				c := &combination{names: append(slices.Clone(before.names), p.name), values: map[string]ast.Node{p.name: v}, used: before.used}
				for name, value := range before.values {
					c.values[name] = value
				}
				next = append(next, c)
			}
		}
		out = next
	}
	return out
}

// parameters are the values of the combination, in the order of the file.
func (c *combination) parameters() []Parameter {
	var out []Parameter
	for _, name := range c.names {
		text, _ := yamlfile.Text(c.values[name])
		out = append(out, Parameter{name, text})
	}
	return out
}

// substitute returns the value that stands for a node, which is the node itself unless it is $NAME.
func (c *combination) substitute(src *yamlfile.Source, n ast.Node, path string) (_ ast.Node, ok bool) {
	s, isText := n.(*ast.StringNode)
	if !isText || path == "matrix" || strings.HasPrefix(path, "matrix.") {
		return n, true
	}
	use := parameterUse.FindStringSubmatch(s.Value)
	if use == nil {
		return n, true
	}
	value, known := c.values[use[1]]
	if !known {
		message := fmt.Sprintf("%s is no parameter; matrix has %s", s.Value, strings.Join(c.names, ", "))
		if len(c.names) == 0 {
			message = s.Value + " is no parameter: there is no matrix"
		}
		src.Report(path, message, suggest.Closest(use[1], c.names))
		return nil, false
	}
	c.used[use[1]] = true
	return value, true
}

// reportUnused reports parameters that the file does not use.
func (c *combination) reportUnused(src *yamlfile.Source) {
	for _, name := range c.names {
		if !c.used[name] {
			src.Report(yamlfile.Join("matrix", name), "is used nowhere: write $"+name+" where its values belong", "")
		}
	}
}
