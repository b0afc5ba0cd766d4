// Package suggest finds the name that a mistyped one was probably meant to be.
package suggest

import "strings"

// maxLength is the length in runes beyond which nothing is suggested: a name that
// long was not mistyped, and the distance takes time in its square.
const maxLength = 64

// Closest returns the valid name with the fewest edits from name, ignoring case,
// or "" when none has fewer than half of name's length and two. Of several it is
// the first.
func Closest(name string, valid []string) string {
	best, limit := "", len([]rune(name))/2+2
	for _, v := range valid {
		if d := distance(strings.ToLower(name), strings.ToLower(v)); d < limit {
			best, limit = v, d
		}
	}
	return best
}

// distance is Levenshtein's: the fewest insertions, deletions and replacements of
// runes that make b of a. It is computed by the algorithm of Wagner and Fischer,
// "The String-to-String Correction Problem", 1974, with one row of the matrix.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > maxLength || len(y) > maxLength {
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
			replace := diagonal
			if x[i] != y[j] {
				replace++
			}
			diagonal, row[j+1] = row[j+1], min(row[j]+1, row[j+1]+1, replace)
		}
	}
	return row[len(y)]
}
