// Package duration prints lengths of time for people, the same way everywhere: in
// findings, in reports and on the terminal.
package duration

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Format prints three significant digits, no trailing zeros and the unit that fits:
// "850 µs", "12.5 ms", "1.44 s", "30 s", "2 min 5 s", "1 h 30 min". Under a
// microsecond, which nothing here can measure, it is "0 s". A negative length has its sign.
func Format(d time.Duration) string {
	switch {
	case d == -d && d != 0: // the shortest there is, which has no opposite
		return "-" + Format(-(d + 1))
	case d < 0:
		if s := Format(-d); s != "0 s" {
			return "-" + s
		}
		return "0 s"
	case d < time.Microsecond/2:
		return "0 s"
	case d < 999500*time.Nanosecond:
		return digits(float64(d)/float64(time.Microsecond)) + " µs"
	case d < 999500*time.Microsecond:
		return digits(float64(d)/float64(time.Millisecond)) + " ms"
	case d < 99950*time.Millisecond:
		return digits(d.Seconds()) + " s"
	case d < time.Hour-time.Second/2:
		d = d.Round(time.Second)
		return joined(int(d/time.Minute), "min", int(d%time.Minute/time.Second), "s")
	default:
		d = d.Round(time.Minute)
		return joined(int(d/time.Hour), "h", int(d%time.Hour/time.Minute), "min")
	}
}

// OrNever is Format, and "never" for a negative length: the offset of what did not happen.
func OrNever(d time.Duration) string {
	if d < 0 {
		return "never"
	}
	return Format(d)
}

// Exact prints a limit that somebody chose, without rounding: "30 s", "1.0625 s", "1.5 ms".
func Exact(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(d.Seconds()*1000, 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// digits prints three significant digits of a number from 0.5 to 1000.
func digits(f float64) string {
	decimals := 0
	switch {
	case f < 9.995:
		decimals = 2
	case f < 99.95:
		decimals = 1
	}
	s := strconv.FormatFloat(f, 'f', decimals, 64)
	if decimals > 0 {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

// joined leaves the smaller unit out where there is none of it.
func joined(n int, unit string, rest int, smaller string) string {
	if rest == 0 {
		return fmt.Sprintf("%d %s", n, unit)
	}
	return fmt.Sprintf("%d %s %d %s", n, unit, rest, smaller)
}
