package faults

import (
	"fmt"
	"slices"
	"strings"
)

// InvalidField is a setting that cannot be used: which field, what is wrong with it,
// and the valid value that looks most like it, if any does.
type InvalidField struct {
	Field      string
	Message    string
	Suggestion string
}

func (w InvalidField) Error() string {
	s := w.Field + ": " + w.Message
	if w.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %q?", w.Suggestion)
	}
	return s
}

// oneOf returns nil when value is one of valid; an empty one is not listed.
func oneOf(field, value string, valid ...string) error {
	if slices.Contains(valid, value) {
		return nil
	}
	shown := slices.DeleteFunc(slices.Clone(valid), func(s string) bool { return s == "" })
	return InvalidField{field, fmt.Sprintf("%q is none of %s", value, strings.Join(shown, ", ")), Suggest(value, shown)}
}

// Suggest returns the valid name with the fewest edits from name, or "" when
// none is near enough to have been meant.
func Suggest(name string, valid []string) string {
	best, least := "", len([]rune(name))/2+2
	for _, v := range valid {
		if d := distance(strings.ToLower(name), strings.ToLower(v)); d < least {
			best, least = v, d
		}
	}
	return best
}

// distance is Levenshtein's: insertions, deletions and replacements.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 { // nobody mistypes that much, and the loop is quadratic
		return len(x) + len(y)
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		diagonal := row[0]
		row[0] = i + 1
		for j := range y {
			cost := 1
			if x[i] == y[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, diagonal+cost)
		}
	}
	return row[len(y)]
}
