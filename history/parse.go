package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// parser reads operations. It has a fast path for lines as appendOp
// writes them, and uses encoding/json for any other, with the same result.
// Strings that recur (keys, nodes, set elements) are stored once.
type parser struct {
	strings map[string]string
	memory  int // bytes that the operations so far take
}

// stringSize is what a string takes beside its bytes: in the table, or in a set.
const stringSize = 16

// internMax bounds the table of known strings, which is emptied when it is full.
const internMax = 1 << 20

func newParser() *parser { return &parser{strings: map[string]string{}} }

func (p *parser) op(line []byte, op *Op) error {
	defer func() { p.memory += opSize + stringSize*cap(op.Set) }()
	if p.fast(line, op) {
		return nil
	}
	*op = Op{}
	p.memory += len(line) // its strings are its own
	if err := json.Unmarshal(line, op); err != nil {
		return fmt.Errorf("not an operation: %w", err)
	}
	if op.Kind == "" || op.Outcome == "" {
		return errors.New("not an operation: kind or outcome is missing")
	}
	return nil
}

// fast reads the line and reports whether it could; if not, op is undefined.
func (p *parser) fast(line []byte, op *Op) bool {
	s := scanner{rest: line, ok: true}
	s.expect('{')
	for first := true; s.ok && !s.take('}'); first = false {
		if !first {
			s.expect(',')
		}
		name := s.quoted()
		s.expect(':')
		switch string(name) {
		case "id":
			op.ID = s.integer()
		case "client":
			op.Client = int(s.integer())
		case "region":
			op.Region = topology.Region(p.text(&s))
		case "kind":
			op.Kind = Kind(p.text(&s))
		case "key":
			op.Key = p.text(&s)
		case "value":
			op.Value = p.text(&s)
		case "expect":
			op.Expect = p.text(&s)
		case "from":
			op.From = p.text(&s)
		case "to":
			op.To = p.text(&s)
		case "amount":
			op.Amount = s.integer()
		case "intended":
			op.Intended = time.Duration(s.integer())
		case "call":
			op.Call = time.Duration(s.integer())
		case "return":
			op.Return = time.Duration(s.integer())
		case "outcome":
			op.Outcome = Outcome(p.text(&s))
		case "error":
			op.Error = p.text(&s)
		case "shed":
			op.Shed = s.flag()
		case "rejected", "answered":
			op.Rejected = s.flag()
		case "output":
			op.Output = p.text(&s)
		case "applied", "swapped":
			op.Applied = s.flag()
		case "set":
			op.Set = p.list(&s)
		case "stale":
			op.Stale = s.flag()
		case "node":
			op.Node = topology.NodeID(p.text(&s))
		case "term":
			op.Term = s.unsigned()
		case "revision":
			op.Revision = s.unsigned()
		case "final":
			op.Final = s.flag()
		case "readThrough", "via":
			if op.ReadThrough != "" {
				return false // the line has both names: encoding/json decides
			}
			op.ReadThrough = topology.NodeID(p.text(&s))
		default:
			return false
		}
	}
	return s.ok && len(s.rest) == 0 && op.Kind != "" && op.Outcome != ""
}

func (p *parser) text(s *scanner) string {
	b := s.quoted()
	if known, ok := p.strings[string(b)]; ok {
		return known
	}
	if len(p.strings) >= internMax {
		clear(p.strings)
	}
	p.memory += len(b) + 2*stringSize
	fresh := string(b)
	p.strings[fresh] = fresh
	return fresh
}

func (p *parser) list(s *scanner) []string {
	s.expect('[')
	out := []string{}
	for s.ok && !s.take(']') {
		if len(out) > 0 {
			s.expect(',')
		}
		out = append(out, p.text(s))
	}
	return out
}

// scanner reads one line. Once something is unexpected, ok stays false.
type scanner struct {
	rest []byte
	ok   bool
}

func (s *scanner) take(c byte) bool {
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

func (s *scanner) expect(c byte) { s.ok = s.take(c) && s.ok }

// quoted reads a string of plain ASCII without escapes.
func (s *scanner) quoted() []byte {
	if !s.take('"') {
		s.ok = false
		return nil
	}
	for i, c := range s.rest {
		if c == '"' {
			out := s.rest[:i]
			s.rest = s.rest[i+1:]
			return out
		}
		if c < ' ' || c == '\\' || c >= 0x80 {
			break
		}
	}
	s.ok = false
	return nil
}

func (s *scanner) digits() string {
	i := 0
	for i < len(s.rest) && (s.rest[i] >= '0' && s.rest[i] <= '9' || i == 0 && s.rest[i] == '-') {
		i++
	}
	if i == 0 || i > 1 && (s.rest[0] == '0' || s.rest[0] == '-' && s.rest[1] == '0') {
		s.ok = false // JSON knows no leading zeros
		return ""
	}
	out := string(s.rest[:i])
	s.rest = s.rest[i:]
	return out
}

func (s *scanner) integer() int64 {
	n, err := strconv.ParseInt(s.digits(), 10, 64)
	s.ok = s.ok && err == nil
	return n
}

func (s *scanner) unsigned() uint64 {
	n, err := strconv.ParseUint(s.digits(), 10, 64)
	s.ok = s.ok && err == nil
	return n
}

// flag reads true. A false flag is not written.
func (s *scanner) flag() bool {
	if len(s.rest) < 4 || string(s.rest[:4]) != "true" {
		s.ok = false
		return false
	}
	s.rest = s.rest[4:]
	return true
}
