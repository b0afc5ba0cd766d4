package yamlfile

import (
	"encoding"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// decodeScalar decodes a single value. It converts nothing silently: a number is not
// taken for a string, and a duration needs its unit.
func (d decoder) decodeScalar(n ast.Node, v reflect.Value, path string) {
	text, quoted := Text(n)
	reject := func() { d.Report(path, fmt.Sprintf("%s is no %s", text, DescribeType(v.Type())), "") }
	switch {
	case v.Type() == durationType:
		length, err := time.ParseDuration(text)
		if err != nil || !quoted { // a bare 0 is a number, not a duration
			d.Report(path, fmt.Sprintf("%s is no duration: want a number with its unit, such as 500ms, 5s or 2m", text), "")
			return
		}
		v.SetInt(int64(length))
	case v.CanAddr() && v.Addr().Type().Implements(textType):
		if err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text)); err != nil {
			d.Report(path, err.Error(), "")
		}
	case v.Kind() == reflect.String && quoted:
		v.SetString(text)
	case v.Kind() == reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			reject()
			return
		}
		v.SetBool(b.Value)
	case v.CanInt() || v.CanUint() || v.CanFloat():
		if !number(n, text, v) {
			reject()
		}
	default:
		reject()
	}
}

// number sets v if the node is a number that fits its type.
func number(n ast.Node, text string, v reflect.Value) bool {
	_, isInt := n.(*ast.IntegerNode)
	_, isFloat := n.(*ast.FloatNode)
	text = strings.ReplaceAll(text, "_", "")
	switch {
	case isInt && v.CanInt():
		i, err := strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(i)
		return err == nil
	case isInt && v.CanUint():
		u, err := strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(u)
		return err == nil
	case (isInt || isFloat) && v.CanFloat():
		f, err := strconv.ParseFloat(text, 64)
		v.SetFloat(f)
		return err == nil && !math.IsNaN(f) && !math.IsInf(f, 0)
	}
	return false
}

// Text returns a scalar as it is written in the file, and whether it is a string.
func Text(n ast.Node) (text string, isString bool) {
	switch x := n.(type) {
	case *ast.StringNode:
		return x.Value, true
	case *ast.LiteralNode:
		return x.Value.Value, true
	}
	if t := n.GetToken(); t != nil {
		return t.Value, false
	}
	return n.String(), false
}

// IsText says whether values of the type are written as text that they parse themselves.
func IsText(t reflect.Type) bool { return reflect.PointerTo(t).Implements(textType) }

// DescribeType names the kind of value that a field of this type takes.
func DescribeType(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration, such as 5s"
	case IsText(t):
		return "text"
	case t.Kind() == reflect.Struct, t.Kind() == reflect.Map:
		return "mapping"
	case t.Kind() == reflect.Slice:
		return "list"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Uint64:
		return "whole number from 0 up"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "whole number"
	case t.Kind() == reflect.Float64:
		return "number"
	default:
		return "text"
	}
}

// syntax reports an error of the YAML parser.
func (d decoder) syntax(err error) {
	var y yaml.Error
	if errors.As(err, &y) && y.GetToken() != nil && y.GetToken().Position != nil {
		p := y.GetToken().Position
		d.positions[""] = position{p.Line, p.Column}
		d.Report("", y.GetMessage(), "")
		return
	}
	d.Report("", strings.TrimSpace(err.Error()), "")
}
