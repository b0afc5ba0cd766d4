package scenarios

import (
	"cmp"
	"slices"
	"strings"
)

// diagnosticCollector is where the fields of a scenario stand in its file, and what was
// found wrong with them.
type diagnosticCollector struct {
	file        string
	positions   map[string]position // by field
	diagnostics Diagnostics
}

type position struct{ line, column int }

// report notes a problem with a field, at the nearest field around it that the
// file has. A field is blamed once: what follows from its first problem is no news.
func (s *diagnosticCollector) report(field, says, nearest string) {
	if s.reported(field) {
		return
	}
	at, around := s.positions[field], field
	for at == (position{}) && around != "" {
		around = around[:max(0, strings.LastIndexAny(around, ".["))]
		at = s.positions[around]
	}
	s.reportAt(at, field, says, nearest)
}

func (s *diagnosticCollector) reportAt(at position, field, says, nearest string) {
	s.diagnostics = append(s.diagnostics, Diagnostic{s.file, at.line, at.column, field, says, nearest})
}

// reported says whether the field, a part of it or what it is part of was found wrong.
func (s *diagnosticCollector) reported(field string) bool {
	return slices.ContainsFunc(s.diagnostics, func(p Diagnostic) bool { return isPartOf(field, p.Field) || isPartOf(p.Field, field) })
}

// isPartOf says whether a field is the whole or a part of it.
func isPartOf(field, whole string) bool {
	rest, ok := strings.CutPrefix(field, whole)
	return ok && (rest == "" || (whole != "" && strings.ContainsAny(rest[:1], ".[")))
}

// inFile says whether the file has the field.
func (s *diagnosticCollector) inFile(field string) bool { _, ok := s.positions[field]; return ok }

// err returns the problems in the order of the file, or nil.
func (s *diagnosticCollector) err() error {
	if len(s.diagnostics) == 0 {
		return nil
	}
	slices.SortStableFunc(s.diagnostics, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s.diagnostics
}
