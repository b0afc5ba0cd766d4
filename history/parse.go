package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// parser reads operations. It has a fast path for lines as appendOp
// writes them, and uses encoding/json for any other, with the same result.
// Strings that recur (keys, nodes, set elements) are stored once.
type parser struct {
	strings  stringTable
	elements []string // of the set that is being read
	// The latest strings of the fields that have few different ones, by a hash.
	regions, kinds, outcomes, nodes [8]string
	keys                            [64]string
	memory                          int // bytes that the operations so far take
}

// stringSize is what a string takes beside its bytes: in the table, or in a set.
const stringSize = 16

func newParser() *parser { return &parser{strings: newStringTable()} }

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
			op.Region = topology.Region(p.recurring(&s, p.regions[:]))
		case "kind":
			op.Kind = Kind(p.recurring(&s, p.kinds[:]))
		case "key":
			op.Key = p.recurring(&s, p.keys[:])
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
			op.Outcome = Outcome(p.recurring(&s, p.outcomes[:]))
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
			op.Node = topology.NodeID(p.recurring(&s, p.nodes[:]))
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
	text, fresh := p.strings.get(s.quoted())
	if fresh {
		p.memory += len(text) + 2*stringSize
	}
	return text
}

// recurring is text for a field with few different strings: most are among the latest, and need no search in the table.
// The number of the latest is a power of two.
func (p *parser) recurring(s *scanner, latest []string) string {
	b := s.quoted()
	if len(b) == 0 {
		return ""
	}
	at := &latest[(len(b)+int(b[0])+5*int(b[len(b)-1])+3*int(b[len(b)/2]))&(len(latest)-1)]
	if *at == string(b) {
		return *at
	}
	text, fresh := p.strings.get(b)
	if fresh {
		p.memory += len(text) + 2*stringSize
	}
	*at = text
	return text
}

func (p *parser) list(s *scanner) []string {
	s.expect('[')
	p.elements = p.elements[:0]
	for s.ok && !s.take(']') {
		if len(p.elements) > 0 {
			s.expect(',')
		}
		p.elements = append(p.elements, p.text(s))
	}
	out := make([]string, len(p.elements)) // of its exact size: a history may hold millions of elements
	copy(out, p.elements)
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

// unsigned reads a number without a sign. JSON allows no leading zeros.
func (s *scanner) unsigned() uint64 {
	var n uint64
	i := 0
	for ; i < len(s.rest) && s.rest[i] >= '0' && s.rest[i] <= '9'; i++ {
		digit := uint64(s.rest[i] - '0')
		if n > (math.MaxUint64-digit)/10 {
			s.ok = false
			return 0
		}
		n = 10*n + digit
	}
	if i == 0 || i > 1 && s.rest[0] == '0' {
		s.ok = false
		return 0
	}
	s.rest = s.rest[i:]
	return n
}

func (s *scanner) integer() int64 {
	negative := s.take('-')
	n := s.unsigned()
	switch {
	case negative && n > 0 && n <= -math.MinInt64:
		return -int64(n) // of the smallest the conversion wraps around to itself
	case !negative && n <= math.MaxInt64:
		return int64(n)
	default:
		s.ok = false
		return 0
	}
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
