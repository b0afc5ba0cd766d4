package http

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"text/template"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// operation is an Operation with its defaults and its templates.
type operation struct {
	Operation
	path, body *template.Template
	headers    map[string]*template.Template
}

var functions = template.FuncMap{
	"json": func(v any) (string, error) {
		b, err := json.Marshal(v)
		return string(b), err
	},
	"base64": func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
}

// compile fills in defaults and parses templates. The field of its error is relative to the operation.
func compile(k history.Kind, o Operation) (*operation, *protocols.FieldError) {
	reads := k.Class() == history.Reads
	if o.Method == "" {
		o.Method = http.MethodPost
		if reads {
			o.Method = http.MethodGet
		}
	}
	if len(o.OK) == 0 {
		o.OK = []int{http.StatusOK, http.StatusCreated, http.StatusNoContent}
	}
	conditional := k == history.CAS || k == history.Transfer
	switch {
	case !reads && len(o.Missing) > 0:
		return nil, &protocols.FieldError{Field: "missing", Message: "only a read can find nothing"}
	case !conditional && len(o.NotApplied) > 0:
		return nil, &protocols.FieldError{Field: "notApplied", Message: "only cas and transfer can be answered and not applied"}
	case !conditional && o.Applied != "":
		return nil, &protocols.FieldError{Field: "applied", Message: "only cas and transfer can be answered and not applied"}
	case conditional && o.Applied == "" && len(o.NotApplied) == 0:
		return nil, &protocols.FieldError{Field: "notApplied", Message: "say by which status, or by which truth value in the body (applied), the system says that it was not applied"}
	case !reads && o.Answer != "":
		return nil, &protocols.FieldError{Field: "answer", Message: "only a read has a value in its answer"}
	}
	if reads && len(o.Missing) == 0 && !slices.Contains(o.OK, http.StatusNotFound) && !slices.Contains(o.Failed, http.StatusNotFound) {
		o.Missing = []int{http.StatusNotFound}
	}
	seen := map[int]string{}
	for _, list := range []struct {
		field    string
		statuses []int
	}{{"ok", o.OK}, {"failed", o.Failed}, {"missing", o.Missing}, {"notApplied", o.NotApplied}} {
		if err := checkStatuses(list.field, list.statuses); err != nil {
			return nil, err
		}
		for _, n := range list.statuses {
			if other := seen[n]; other != "" {
				return nil, &protocols.FieldError{Field: list.field, Message: fmt.Sprintf("status %d is in %s too", n, other)}
			}
			seen[n] = list.field
		}
	}
	if err := protocols.OneOf("encoding", o.Encoding, "base64"); err != nil {
		var field protocols.FieldError
		if !errors.As(err, &field) {
			field = protocols.FieldError{Field: "encoding", Message: err.Error()}
		}
		return nil, &field
	}
	return parse(k, o)
}

func parse(k history.Kind, o Operation) (*operation, *protocols.FieldError) {
	out := &operation{Operation: o, headers: map[string]*template.Template{}}
	var err error
	if out.path, err = template.New("path").Funcs(functions).Parse(o.Path); err != nil {
		return nil, &protocols.FieldError{Field: "path", Message: err.Error()}
	}
	if out.body, err = template.New("body").Funcs(functions).Parse(o.Body); err != nil {
		return nil, &protocols.FieldError{Field: "body", Message: err.Error()}
	}
	for name, value := range o.Headers {
		if out.headers[name], err = template.New(name).Funcs(functions).Parse(value); err != nil {
			return nil, &protocols.FieldError{Field: "headers." + name, Message: err.Error()}
		}
	}
	sample := history.Op{Kind: k, Key: "k", Value: "1", Expect: "0", From: "a", To: "b", Amount: 1, Set: []string{"a", "b"}}
	r, err := out.render(sample, "secret")
	if err != nil {
		return nil, &protocols.FieldError{Field: "path", Message: err.Error()}
	}
	if !strings.HasPrefix(r.path, "/") {
		return nil, &protocols.FieldError{Field: "path", Message: fmt.Sprintf("%q does not begin with a slash", o.Path)}
	}
	if _, err := http.NewRequest(r.method, "http://node"+r.path, nil); err != nil {
		return nil, &protocols.FieldError{Field: "path", Message: err.Error()}
	}
	return out, nil
}

// fields is what a template can name.
type fields struct {
	Key, Value, Expect, From, To, Secret string
	Amount                               int64
	Set                                  []string
}

// render makes the request for an operation.
func (o *operation) render(op history.Op, secret string) (request, error) {
	f := fields{op.Key, op.Value, op.Expect, op.From, op.To, secret, op.Amount, op.Set}
	escaped := fields{
		escape(op.Key), escape(op.Value), escape(op.Expect), escape(op.From), escape(op.To), escape(secret), op.Amount, op.Set,
	}
	r := request{method: o.Method, header: http.Header{}}
	var err error
	if r.path, err = execute(o.path, escaped); err != nil {
		return r, err
	}
	if r.body, err = execute(o.body, f); err != nil {
		return r, err
	}
	for name, t := range o.headers {
		value, err := execute(t, f)
		if err != nil {
			return r, err
		}
		r.header.Set(name, value)
	}
	return r, nil
}

func execute(t *template.Template, f fields) (string, error) {
	var b strings.Builder
	if err := t.Execute(&b, f); err != nil {
		return "", err
	}
	return b.String(), nil
}

// escape writes all but letters, digits, dots, hyphens and underscores in percent form, which holds in a path and in a query.
func escape(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
