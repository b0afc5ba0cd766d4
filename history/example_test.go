package history_test

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/mcp-resilience/holdfast/history"
)

// A recorder writes what clients did to a file, which can be loaded later.
func ExampleRecorder() {
	dir, err := os.MkdirTemp("", "history")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "history.jsonl.zst")

	r, err := history.NewRecorder(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	r.Record(history.Op{ID: 1, Kind: history.Write, Key: "x", Value: "a", Return: 3 * time.Millisecond, Outcome: history.OK})
	r.Record(history.Op{ID: 2, Kind: history.Read, Key: "x", Return: time.Second, Outcome: history.Unknown})
	if err := r.Close(); err != nil {
		fmt.Println(err)
		return
	}

	ops, truncated, err := history.Load(path)
	fmt.Println(len(ops), "operations, truncated:", truncated, err)
	for _, op := range ops {
		fmt.Println(op.Kind, op.Key, op.Outcome)
	}
	// Output:
	// 2 operations, truncated: false <nil>
	// write x ok
	// read x unknown
}

func ExamplePercentile() {
	latencies := []time.Duration{1 * time.Millisecond, 2 * time.Millisecond, 3 * time.Millisecond, 40 * time.Millisecond}
	fmt.Println(history.Percentile(latencies, 50), history.Percentile(latencies, 99))
	// Output: 2ms 40ms
}
