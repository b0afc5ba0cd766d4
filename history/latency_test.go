package history

import (
	"testing"
	"time"
)

func TestPercentile(t *testing.T) {
	upTo := func(n int) []time.Duration {
		out := make([]time.Duration, n)
		for i := range out {
			out[i] = time.Duration(i + 1)
		}
		return out
	}
	for _, tt := range []struct {
		n       int
		percent float64
		want    time.Duration
	}{
		{0, 99, 0},
		{1, 50, 1},
		{1, 99, 1},
		{2, 50, 1},
		{3, 50, 2},
		{4, 50, 2},
		{99, 99, 99},
		{100, 99, 99},
		{101, 99, 100},
		{200, 99, 198},
		{1000, 99, 990},
		{100, 100, 100},
		{100, 0, 1},
		{100, 1, 1},
		{100, 200, 100},
		{1000, 99.9, 999},
		{10_000, 99.9, 9990},
		{100, 99.9, 100},
	} {
		if got := Percentile(upTo(tt.n), tt.percent); got != tt.want {
			t.Errorf("Percentile(1…%d, %v) = %d, want %d", tt.n, tt.percent, got, tt.want)
		}
	}
}

func TestGood(t *testing.T) {
	for _, tt := range []struct {
		name string
		op   Op
		want bool
	}{
		{"in time", Op{Outcome: OK, Intended: 10, Call: 15, Return: 20}, true},
		{"too late, counted from the intended time", Op{Outcome: OK, Intended: 9, Call: 15, Return: 20}, false},
		{"failed", Op{Outcome: Failed, Intended: 10, Return: 11}, false},
		{"unknown", Op{Outcome: Unknown, Intended: 10, Return: 11}, false},
	} {
		if got := tt.op.Good(10); got != tt.want {
			t.Errorf("%s: Good(10) = %v, want %v", tt.name, got, tt.want)
		}
	}
}
