package reports

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
)

// maxRunes is how many runes of one string of a run a report shows: enough for
// an error with its causes, and few enough that a thousand of them stay readable.
const maxRunes = 600

// clean makes a string of a run safe for every format, with at most maxRunes runes.
func clean(s string) string {
	if utf8.RuneCountInString(s) > maxRunes {
		cut := 0
		for i := range s {
			if cut == maxRunes-1 {
				s = s[:i] + "…"
				break
			}
			cut++
		}
	}
	return printable.Line(s)
}

// num writes at most prec decimals and no trailing zeros.
func num(f float64, prec int) string {
	s := strconv.FormatFloat(f, 'f', prec, 64)
	if prec > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// at writes an instant of the run; NotReached is a dash.
func at(d time.Duration) string {
	if d == record.NotReached {
		return "–"
	}
	return "+" + strconv.FormatFloat(d.Seconds(), 'f', 3, 64) + " s"
}

// count writes n with thousands separators.
func count(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// plural is "1 write", "2 writes".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return count(n) + " " + noun + "s"
}

// share writes a ratio in per cent. It never rounds up to 100 %, which means all.
func share(f float64) string {
	if math.IsNaN(f) {
		return "–"
	}
	for prec := 1; prec <= 4; prec++ {
		s := num(math.Floor(f*100*math.Pow10(prec)+1e-9)/math.Pow10(prec), prec)
		if f >= 1 || s != "100" && !(f >= 0.999 && prec < 3) {
			return s + " %"
		}
	}
	return "> 99.999 %"
}

// join cleans strings for printing and joins them with a separator.
func join[T ~string](vs []T, sep string) string {
	out := make([]string, len(vs))
	for i, v := range vs {
		out[i] = clean(string(v))
	}
	return strings.Join(out, sep)
}
