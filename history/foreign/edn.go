package foreign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
)

// This is a strict reader of the part of EDN that histories are written in: nil, booleans, numbers, strings,
// keywords, symbols, lists, vectors, maps, sets, tagged elements (the tag is dropped), comments and discards.
// It knows on which line each value is, without which an error in a file of a million lines helps nobody.

// form is one EDN value. What names a thing (numbers, keywords, symbols, nil, booleans) is kept as written.
type form struct {
	kind  formKind
	text  string // of a string, what it says; of an atom, what is written; keywords with their colon
	items []form // of a map, keys and values in turn
	line  int
}

type formKind uint8

const (
	atom formKind = iota
	text
	vector // or a list
	mapping
	set
)

func (f form) String() string {
	switch f.kind {
	case text:
		return fmt.Sprintf("%q", clip(f.text))
	case vector, mapping, set:
		opening, closing := "[", "]"
		if f.kind == mapping {
			opening, closing = "{", "}"
		} else if f.kind == set {
			opening, closing = "#{", "}"
		}
		var parts []string
		for _, item := range f.items[:min(len(f.items), 6)] {
			parts = append(parts, item.String())
		}
		if len(f.items) > 6 {
			parts = append(parts, "…")
		}
		return opening + strings.Join(parts, " ") + closing
	default:
		return clip(f.text)
	}
}

func (f form) isNil() bool { return f.kind == atom && f.text == "nil" }

// get finds the value of a key of a map; nil where there is none.
func (f form) get(key string) form {
	for i := 0; i+1 < len(f.items); i += 2 {
		if f.items[i].kind == atom && f.items[i].text == key {
			return f.items[i+1]
		}
	}
	return form{text: "nil", line: f.line}
}

// ednReader reads forms one after another.
type ednReader struct {
	in    *bufio.Reader
	line  int
	depth int
}

// maxDepth bounds how deep forms may nest, and maxText how long one string or word may be: a broken file is an error, not memory.
const (
	maxDepth = 64
	maxText  = 64 << 20
)

var errClosed = errors.New("closed")

// next reads the next form. At the end of the file it returns io.EOF.
func (r *ednReader) next() (form, error) {
	for {
		c, err := r.skipSpace()
		if err != nil {
			return form{}, err
		}
		line := r.line
		switch c {
		case '"':
			s, err := r.quoted()
			return form{kind: text, text: s, line: line}, err
		case '[', '(':
			return r.collection(vector, map[byte]byte{'[': ']', '(': ')'}[c], line)
		case '{':
			m, err := r.collection(mapping, '}', line)
			if err == nil && len(m.items)%2 != 0 {
				return form{}, r.errorf(line, "a map has a key without a value")
			}
			return m, err
		case ']', ')', '}':
			return form{text: string(c), line: line}, errClosed
		case '\\':
			return form{}, r.errorf(line, "characters are not understood")
		case '#':
			next, err := r.in.ReadByte()
			if err != nil {
				return form{}, r.errorf(line, "the file ends after #")
			}
			switch {
			case next == '{':
				return r.collection(set, '}', line)
			case next == '_': // the next form is as good as not there
				if _, err := r.inner(line); err != nil {
					return form{}, err
				}
				continue
			default: // a tag
				if _, err := r.word(next); err != nil {
					return form{}, err
				}
				return r.inner(line)
			}
		default:
			s, err := r.word(c)
			return form{text: s, line: line}, err
		}
	}
}

// inner reads a form that must be there.
func (r *ednReader) inner(line int) (form, error) {
	if r.depth++; r.depth > maxDepth {
		return form{}, r.errorf(line, "forms nest deeper than %d", maxDepth)
	}
	defer func() { r.depth-- }()
	f, err := r.next()
	switch {
	case errors.Is(err, io.EOF):
		return form{}, r.errorf(line, "the file ends in the midst of what begins here")
	case errors.Is(err, errClosed):
		return form{}, r.errorf(f.line, "unexpected %s", f.text)
	}
	return f, err
}

func (r *ednReader) collection(kind formKind, closing byte, line int) (form, error) {
	if r.depth++; r.depth > maxDepth {
		return form{}, r.errorf(line, "forms nest deeper than %d", maxDepth)
	}
	defer func() { r.depth-- }()
	out := form{kind: kind, line: line}
	for {
		f, err := r.next()
		switch {
		case errors.Is(err, errClosed) && f.text == string(closing):
			return out, nil
		case errors.Is(err, errClosed):
			return form{}, r.errorf(f.line, "unexpected %s; what began at line %d ends with %c", f.text, line, closing)
		case errors.Is(err, io.EOF):
			return form{}, r.errorf(line, "the file ends before the %c of what begins here", closing)
		case err != nil:
			return form{}, err
		}
		out.items = append(out.items, f)
	}
}

// skipSpace returns the first byte that is not space. Commas are space in EDN.
func (r *ednReader) skipSpace() (byte, error) {
	comment := false
	for {
		c, err := r.in.ReadByte()
		switch {
		case err != nil:
			return 0, err
		case c == '\n':
			r.line++
			comment = false
		case comment, c == ' ', c == '\t', c == '\r', c == ',':
		case c == ';':
			comment = true
		default:
			return c, nil
		}
	}
}

// word reads an atom that begins with c.
func (r *ednReader) word(c byte) (string, error) {
	b := []byte{c}
	if c < ' ' || c == 0x7f {
		return "", r.errorf(r.line, "unexpected byte 0x%02x", c)
	}
	for {
		c, err := r.in.ReadByte()
		if errors.Is(err, io.EOF) {
			return string(b), nil
		}
		if err != nil {
			return "", err
		}
		if strings.IndexByte(" \t\r\n,;\"[](){}", c) >= 0 {
			return string(b), r.in.UnreadByte()
		}
		if c < ' ' || c == 0x7f {
			return "", r.errorf(r.line, "unexpected byte 0x%02x", c)
		}
		if b = append(b, c); len(b) > maxText {
			return "", r.errorf(r.line, "a word is longer than %d bytes", maxText)
		}
	}
}

func (r *ednReader) quoted() (string, error) {
	begin := r.line
	var b []byte
	for {
		c, err := r.in.ReadByte()
		if err != nil {
			return "", r.errorf(begin, "a string has no end")
		}
		switch c {
		case '"':
			return string(b), nil
		case '\n':
			r.line++
		case '\\':
			if c, err = r.in.ReadByte(); err != nil {
				return "", r.errorf(begin, "a string has no end")
			}
			plain := strings.IndexByte(`"\ntrbf`, c)
			if plain < 0 {
				return "", r.errorf(r.line, "unknown escape \\%c in a string", c)
			}
			c = "\"\\\n\t\r\b\f"[plain]
		}
		if b = append(b, c); len(b) > maxText {
			return "", r.errorf(begin, "a string is longer than %d bytes", maxText)
		}
	}
}

// errorf makes an error that begins with its line.
func (r *ednReader) errorf(line int, form string, args ...any) error {
	return fmt.Errorf(":%d: "+form, append([]any{line}, args...)...)
}
