package history

import (
	"encoding/json"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendOp appends op as one line of JSON, as encoding/json would write it but
// without reflection: a million operations are encoded while a drill runs on
// two cores that it must not disturb.
func appendOp(b []byte, op *Op) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, op.ID, 10)
	b = append(b, `,"client":`...)
	b = strconv.AppendInt(b, int64(op.Client), 10)
	b = appendField(b, `,"region":`, string(op.Region))
	b = appendField(b, `,"kind":`, string(op.Kind))
	b = appendField(b, `,"key":`, op.Key)
	b = appendOptional(b, `,"value":`, op.Value)
	b = appendOptional(b, `,"expect":`, op.Expect)
	b = appendOptional(b, `,"from":`, op.From)
	b = appendOptional(b, `,"to":`, op.To)
	if op.Amount != 0 {
		b = strconv.AppendInt(append(b, `,"amount":`...), op.Amount, 10)
	}
	b = appendTime(b, `,"intended":`, op.Intended)
	b = appendTime(b, `,"call":`, op.Call)
	b = appendTime(b, `,"return":`, op.Return)
	b = appendField(b, `,"outcome":`, string(op.Outcome))
	b = appendOptional(b, `,"error":`, op.Error)
	b = appendFlag(b, `,"shed":true`, op.Shed)
	b = appendFlag(b, `,"rejected":true`, op.Rejected)
	b = appendOptional(b, `,"output":`, op.Output)
	b = appendFlag(b, `,"applied":true`, op.Applied)
	if len(op.Set) > 0 {
		b = append(b, `,"set":[`...)
		for i, v := range op.Set {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		b = append(b, ']')
	}
	b = appendFlag(b, `,"stale":true`, op.Stale)
	b = appendOptional(b, `,"node":`, string(op.Node))
	b = appendCount(b, `,"term":`, op.Term)
	b = appendCount(b, `,"revision":`, op.Revision)
	b = appendFlag(b, `,"final":true`, op.Final)
	b = appendOptional(b, `,"readThrough":`, string(op.ReadThrough))
	return append(b, '}', '\n')
}

func appendField(b []byte, name, v string) []byte { return appendString(append(b, name...), v) }

func appendOptional(b []byte, name, v string) []byte {
	if v == "" {
		return b
	}
	return appendField(b, name, v)
}

func appendTime(b []byte, name string, d time.Duration) []byte {
	return strconv.AppendInt(append(b, name...), int64(d), 10)
}

func appendCount(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendUint(append(b, name...), n, 10)
}

func appendFlag(b []byte, text string, set bool) []byte {
	if !set {
		return b
	}
	return append(b, text...)
}

// appendString quotes s. Anything but plain ASCII takes the library's way.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			q, _ := json.Marshal(s) // a string always marshals
			return append(b, q...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}
