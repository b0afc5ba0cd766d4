package http

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// value is the value at a place of the body; see Operation.Answer.
func (a answer) value(where, encoding string) (string, error) {
	if where == "" {
		return decode(string(a.body), encoding)
	}
	found, err := a.one(where)
	if err != nil {
		return "", err
	}
	return text(found, encoding)
}

// one is the only value at a place of a JSON body.
func (a answer) one(where string) (any, error) {
	found, err := a.find(where)
	if err != nil {
		return nil, err
	}
	if len(found) != 1 {
		return nil, fmt.Errorf("the answer has %d values at %s, want one", len(found), where)
	}
	return found[0], nil
}

// list is the elements at a place of the body. JSON's null is a list without elements.
func (a answer) list(where, encoding string) ([]string, error) {
	var out []string
	if where == "" {
		for line := range strings.Lines(string(a.body)) {
			v, err := decode(strings.TrimRight(line, "\r\n"), encoding)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, nil
	}
	found, err := a.find(where)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(where, "*") {
		switch v := found[0].(type) {
		case nil:
			found = nil
		case []any:
			found = v
		default:
			return nil, fmt.Errorf("the answer has %s at %s, want a list", kindOf(v), where)
		}
	}
	for _, f := range found {
		v, err := text(f, encoding)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
}

// balances is ACCOUNT=AMOUNT for each member of the object at a place of the body.
func (a answer) balances(where string) ([]string, error) {
	if where == "" {
		where = "."
	}
	found, err := a.one(where)
	if err != nil {
		return nil, err
	}
	object, ok := found.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the answer has %s at %s, want an object with an amount for each account", kindOf(found), where)
	}
	var out []string
	for account, amount := range object {
		n, ok := amount.(json.Number)
		if !ok {
			return nil, fmt.Errorf("the balance of %s is %s, want a number", account, kindOf(amount))
		}
		out = append(out, account+"="+n.String())
	}
	slices.Sort(out)
	return out, nil
}

// truth is the truth value at a place of the body.
func (a answer) truth(where string) (bool, error) {
	found, err := a.one(where)
	if err != nil {
		return false, err
	}
	b, ok := found.(bool)
	if !ok {
		return false, fmt.Errorf("the answer has %s at %s, want true or false", kindOf(found), where)
	}
	return b, nil
}

// find returns what is at a place of a JSON body: several values where the place has a star, and one otherwise.
func (a answer) find(where string) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	var document any
	if err := d.Decode(&document); err != nil {
		return nil, fmt.Errorf("the answer is no JSON: %w", err)
	}
	found := []any{document}
	if where == "." {
		return found, nil
	}
	for name := range strings.SplitSeq(where, ".") {
		var next []any
		for _, f := range found {
			got, ok := child(f, name)
			if !ok {
				return nil, fmt.Errorf("the answer has no %q (of %s): %s", name, where, a.excerpt())
			}
			next = append(next, got...)
		}
		found = next
	}
	return found, nil
}

func child(of any, name string) ([]any, bool) {
	switch v := of.(type) {
	case map[string]any:
		got, ok := v[name]
		return []any{got}, ok
	case []any:
		if name == "*" {
			return v, true
		}
		i, err := strconv.Atoi(name)
		if err != nil || i < 0 || i >= len(v) {
			return nil, false
		}
		return []any{v[i]}, true
	case nil:
		return nil, name == "*"
	}
	return nil, false
}

func text(v any, encoding string) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", nil
	case string:
		return decode(v, encoding)
	case json.Number:
		return v.String(), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fmt.Errorf("the value in the answer is %s, want text", kindOf(v))
}

func decode(s, encoding string) (string, error) {
	if encoding == "" {
		return s, nil
	}
	b, err := base64.StdEncoding.DecodeString(strings.TrimSpace(s))
	if err != nil {
		return "", fmt.Errorf("the value is no base64: %w", err)
	}
	return string(b), nil
}

func kindOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	case string:
		return "a text"
	case bool:
		return "a truth value"
	}
	return "a number"
}
