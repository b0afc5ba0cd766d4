package goodput_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/goodput"
)

func ExampleCounter() {
	c := goodput.Counter{Width: 100 * time.Millisecond, Limit: time.Second}
	for _, op := range []history.Op{
		{Region: "east", Kind: history.Write, Intended: 20 * time.Millisecond, Return: 25 * time.Millisecond, Outcome: history.OK},
		{Region: "east", Kind: history.Write, Intended: 120 * time.Millisecond, Return: 2 * time.Second, Outcome: history.OK}, // too slow
		{Region: "east", Kind: history.Write, Intended: 140 * time.Millisecond, Return: 2 * time.Second, Outcome: history.Unknown},
	} {
		c.Add(&op)
	}
	for i, b := range c.Series[goodput.Key{Region: "east", Class: history.Writes}].Buckets {
		fmt.Printf("bucket %d: %d of %d good\n", i, b.Good, b.Due)
	}
	// Output:
	// bucket 0: 1 of 1 good
	// bucket 1: 0 of 2 good
}

func TestWhatIsLeftOut(t *testing.T) {
	c := goodput.Counter{From: 10, End: 30, Width: 10, Limit: 5, KeepLatencies: true}
	for _, op := range []history.Op{
		{Intended: 9, Kind: history.Read},                             // before the first bucket
		{Intended: 30, Kind: history.Read},                            // after the last
		{Intended: 10, Kind: history.Read, Final: true},               // a final read
		{Intended: 10, Kind: history.Read, Stale: true},               // a local read
		{Intended: 29, Return: 31, Kind: history.Read, Outcome: "ok"}, // counted
		{Intended: 29, Return: 39, Kind: history.Read, Outcome: "ok"}, // counted, too slow
	} {
		c.Add(&op)
	}
	waiting := history.Op{Intended: 15, Kind: history.Read}
	c.Due(&waiting)
	key := goodput.Key{Class: history.Reads}
	want := map[goodput.Key]*goodput.Series{key: {Key: key, Buckets: []goodput.Bucket{{Due: 1}, {Due: 2, Done: 2, Good: 1, Latencies: []time.Duration{2, 10}}}}}
	if diff := cmp.Diff(want, c.Series); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	waiting.Return, waiting.Outcome = 16, history.Failed
	c.Done(&waiting)
	if got := c.Series[key].Buckets[0]; got.Due != 1 || got.Done != 1 || got.Good != 0 {
		t.Errorf("once it has failed its bucket is %+v", got)
	}
}
