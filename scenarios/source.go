package scenarios

import (
	"cmp"
	"slices"
	"strings"
)

// source is where the fields of a scenario stand in its file, and what was
// found wrong with them.
type source struct {
	file     string
	at       map[string]place // by field
	problems Diagnostics
}

type place struct{ line, column int }

// say notes a problem with a field, at the nearest field around it that the
// file has. A field is blamed once: what follows from its first problem is no news.
func (s *source) say(field, says, nearest string) {
	if s.blamed(field) {
		return
	}
	at, around := s.at[field], field
	for at == (place{}) && around != "" {
		around = around[:max(0, strings.LastIndexAny(around, ".["))]
		at = s.at[around]
	}
	s.sayAt(at, field, says, nearest)
}

func (s *source) sayAt(at place, field, says, nearest string) {
	s.problems = append(s.problems, Diagnostic{s.file, at.line, at.column, field, says, nearest})
}

// blamed says whether the field, a part of it or what it is part of was found wrong.
func (s *source) blamed(field string) bool {
	return slices.ContainsFunc(s.problems, func(p Diagnostic) bool { return within(field, p.Field) || within(p.Field, field) })
}

// within says whether a field is the whole or a part of it.
func within(field, whole string) bool {
	rest, ok := strings.CutPrefix(field, whole)
	return ok && (rest == "" || (whole != "" && strings.ContainsAny(rest[:1], ".[")))
}

// has says whether the file has the field.
func (s *source) has(field string) bool { _, ok := s.at[field]; return ok }

// err returns the problems in the order of the file, or nil.
func (s *source) err() error {
	if len(s.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(s.problems, func(a, b Diagnostic) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return s.problems
}
