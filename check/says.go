package check

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// seconds prints a duration as a reader says it: "12 ms", "1.4 s".
func seconds(d time.Duration) string {
	switch a := d.Abs(); {
	case a == 0:
		return "0 s"
	case a < time.Millisecond:
		return fmt.Sprintf("%.2g ms", d.Seconds()*1000)
	case a < time.Second:
		return fmt.Sprintf("%d ms", d.Round(time.Millisecond).Milliseconds())
	default:
		return strconv.FormatFloat(d.Seconds(), 'f', 1, 64) + " s"
	}
}

// exactly prints a limit without rounding: "30 s", "1.5 s".
func exactly(d time.Duration) string {
	if d < time.Second {
		return strconv.FormatFloat(d.Seconds()*1000, 'f', -1, 64) + " ms"
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) + " s"
}

// percent rounds down, so that 100 % means all.
func percent(share float64) string {
	p := strconv.FormatFloat(float64(int64(share*1e5))/1e3, 'f', 2, 64)
	return strings.TrimSuffix(strings.TrimRight(p, "0"), ".") + " %"
}

// count prints a number with its noun: "1 write", "2 writes".
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// few joins the first of many.
func few[T any](all []T, limit int, says func(T) string) string {
	var b strings.Builder
	for i, one := range all {
		if i == limit {
			fmt.Fprintf(&b, " and %d more", len(all)-limit)
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(says(one))
	}
	return b.String()
}
