package yamlfile

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// Source knows the positions of the fields in a file, and collects what is wrong
// with them.
type Source struct {
	file        string
	positions   map[string]position // by field
	diagnostics Diagnostics
	within      map[string]bool // fields of which there is a diagnostic, or of a part of them
	whole       map[string]bool // fields of which there is a diagnostic
}

type position struct{ line, column int }

// NewSource returns the source of values that no file gave. Name stands where the
// file's name would in its diagnostics.
func NewSource(name string) *Source { return &Source{file: name, positions: map[string]position{}} }

// Positions returns a source that knows the positions of the same file, and of which
// nothing is wrong yet.
func (s *Source) Positions() *Source {
	return &Source{file: s.file, positions: maps.Clone(s.positions)}
}

// Add takes over what is wrong with another file that this one needs.
func (s *Source) Add(other *Source) { s.diagnostics = append(s.diagnostics, other.diagnostics...) }

// File is the name of the file.
func (s *Source) File() string { return s.file }

// Report adds a diagnostic of a field, at the position of the field or of the
// nearest enclosing one that the file has. Each field is reported once, because
// further diagnostics would only follow from the first.
func (s *Source) Report(field, message, suggestion string) {
	if s.Reported(field) {
		return
	}
	at, around := s.positions[field], field
	for at == (position{}) && around != "" {
		around = Enclosing(around)
		at = s.positions[around]
	}
	s.reportAt(at, field, message, suggestion)
}

func (s *Source) reportAt(at position, field, message, suggestion string) {
	s.diagnostics = append(s.diagnostics, Diagnostic{s.file, at.line, at.column, field, message, suggestion})
	if s.whole == nil {
		s.within, s.whole = map[string]bool{}, map[string]bool{}
	}
	s.whole[field] = true
	for around := field; around != ""; around = Enclosing(around) {
		s.within[around] = true
	}
}

// Enclosing is the field that a field is a part of; empty for one at the top.
func Enclosing(field string) string { return field[:max(0, strings.LastIndexAny(field, ".["))] }

// Reported says whether there is a diagnostic of the field, of a part of it, or of a
// field that it is part of.
func (s *Source) Reported(field string) bool {
	if field == "" {
		return s.whole[""]
	}
	for around := field; around != ""; around = Enclosing(around) {
		if s.whole[around] {
			return true
		}
	}
	return s.within[field]
}

// Given says whether the file gives the field.
func (s *Source) Given(field string) bool { _, ok := s.positions[field]; return ok }

// Err returns the diagnostics in the order of the file, or nil.
func (s *Source) Err() error {
	if len(s.diagnostics) == 0 {
		return nil
	}
	slices.SortStableFunc(s.diagnostics, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s.diagnostics
}
