package scenarios

import (
	"cmp"
	"slices"
	"strings"
)

// diagnosticCollector knows the positions of the fields in a scenario file, and
// collects what is wrong with them.
type diagnosticCollector struct {
	file        string
	positions   map[string]position // by field
	diagnostics Diagnostics
	within      map[string]bool // fields of which there is a diagnostic, or of a part of them
	whole       map[string]bool // fields of which there is a diagnostic
}

type position struct{ line, column int }

// report adds a diagnostic of a field, at the position of the field or of the
// nearest enclosing one that the file has. Each field is reported once, because
// further diagnostics would only follow from the first.
func (s *diagnosticCollector) report(field, message, suggestion string) {
	if s.reported(field) {
		return
	}
	at, around := s.positions[field], field
	for at == (position{}) && around != "" {
		around = enclosing(around)
		at = s.positions[around]
	}
	s.reportAt(at, field, message, suggestion)
}

func (s *diagnosticCollector) reportAt(at position, field, message, suggestion string) {
	s.diagnostics = append(s.diagnostics, Diagnostic{s.file, at.line, at.column, field, message, suggestion})
	if s.whole == nil {
		s.within, s.whole = map[string]bool{}, map[string]bool{}
	}
	s.whole[field] = true
	for around := field; around != ""; around = enclosing(around) {
		s.within[around] = true
	}
}

// enclosing is the field that a field is a part of; empty for one at the top.
func enclosing(field string) string { return field[:max(0, strings.LastIndexAny(field, ".["))] }

// reported says whether there is a diagnostic of the field, of a part of it, or of a
// field that it is part of.
func (s *diagnosticCollector) reported(field string) bool {
	if field == "" {
		return s.whole[""]
	}
	for around := field; around != ""; around = enclosing(around) {
		if s.whole[around] {
			return true
		}
	}
	return s.within[field]
}

// inFile says whether the file gives the field.
func (s *diagnosticCollector) inFile(field string) bool { _, ok := s.positions[field]; return ok }

// err returns the diagnostics in the order of the file, or nil.
func (s *diagnosticCollector) err() error {
	if len(s.diagnostics) == 0 {
		return nil
	}
	slices.SortStableFunc(s.diagnostics, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s.diagnostics
}
