package duration_test

import (
	"math"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/internal/duration"
)

func TestFormat(t *testing.T) {
	const us, ms, s = time.Microsecond, time.Millisecond, time.Second
	for d, want := range map[time.Duration]string{
		0: "0 s", 1: "0 s", -1: "0 s", 499: "0 s", 500: "0.5 µs", us: "1 µs", 12345: "12.3 µs",
		850 * us: "850 µs", 999_499: "999 µs", 999_500: "1 ms",
		ms: "1 ms", 1234 * us: "1.23 ms", 9_996 * us: "10 ms", 12_340 * us: "12.3 ms", 839 * ms: "839 ms", 999_499 * us: "999 ms", 999_500 * us: "1 s",
		s: "1 s", 1440 * ms: "1.44 s", 1400 * ms: "1.4 s", 9_996 * ms: "10 s", 12_340 * ms: "12.3 s", 30 * s: "30 s", 99_949 * ms: "99.9 s",
		99_950 * ms: "1 min 40 s", 120 * s: "2 min", 125 * s: "2 min 5 s", 3599 * s: "59 min 59 s", 3_599_500 * ms: "1 h",
		90 * time.Minute: "1 h 30 min", 48 * time.Hour: "48 h",
		-4 * s: "-4 s", -1440 * ms: "-1.44 s", math.MinInt64: "-2562047 h 47 min",
	} {
		if got := duration.Format(d); got != want {
			t.Errorf("Format(%d ns) = %q, want %q", d, got, want)
		}
	}
}

func TestOrNever(t *testing.T) {
	for d, want := range map[time.Duration]string{-1: "never", 0: "0 s", time.Second: "1 s"} {
		if got := duration.OrNever(d); got != want {
			t.Errorf("OrNever(%d ns) = %q, want %q", d, got, want)
		}
	}
}

func TestExact(t *testing.T) {
	for d, want := range map[time.Duration]string{
		30 * time.Second: "30 s", 1062500 * time.Microsecond: "1.0625 s", 1500 * time.Microsecond: "1.5 ms", 0: "0 ms", 90 * time.Second: "90 s",
	} {
		if got := duration.Exact(d); got != want {
			t.Errorf("Exact(%d ns) = %q, want %q", d, got, want)
		}
	}
}
