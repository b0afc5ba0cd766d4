package scenarios_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/scenarios"
)

// An objective of 100 ms passed with one operation a second and failed with a hundred, and
// three episodes with a gap of 1 s "did not recover in 2.78 s".
func TestWhatCannotBeJudgedIsRefused(t *testing.T) {
	for file, want := range map[string]string{
		"load: {writes: 1}\nobjectives: {rto: 100ms}":               "f.yaml:4:14: objectives.rto: 100ms cannot be judged with 1 write a second from each region: raise load.writes to 10, or allow 1s",
		"load: {reads: 4}\nobjectives: {rto: 100ms}":                "f.yaml:4:14: objectives.rto: 100ms cannot be judged with 4 reads a second from each region: raise load.reads to 10, or allow 250ms",
		"objectives: {rto: 50ms}":                                   "f.yaml:3:14: objectives.rto: 50ms cannot be judged with buckets of 100ms: lower objectives.bucket, or allow 100ms",
		"objectives: {rto: 50ms, bucket: 50ms}":                     "",
		"load: {reads: 100, writes: 100}\nobjectives: {rto: 100ms}": "",
		"load: {reads: 1, writes: 1}":                               "",
		"episodes: 3\ngap: 1s":                                      "f.yaml:4:1: episodeGap: 1s is shorter than the stability window (objectives.stable), so that no episode can be shown to recover: want at least 5s",
		"episodes: 3\nepisodeGap: 5s":                               "",
		"episodes: 3\nepisodeGap: 2s\nobjectives: {stable: 2s}":     "",
		"episodes: 3\nepisodeGap: 9s\nobjectives: {stable: 10s}":    "f.yaml:4:1: episodeGap: 9s is shorter than the stability window (objectives.stable), so that no episode can be shown to recover: want at least 10s",
	} {
		got := ""
		if _, err := scenarios.Parse("f.yaml", []byte("name: x\nsteps: []\n"+file+"\n")); err != nil {
			got = err.Error()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestThinLoadIsWarnedOf(t *testing.T) {
	for lines, want := range map[string][]string{
		"load: {reads: 20, writes: 30}": nil,
		"load: {writes: 1}": {
			"the load is thin: 1 write a second from each region is fewer than 2 in a bucket of 100 ms, so a recovery is timed to 1 s at best; raise load.writes to 20, or widen objectives.bucket",
		},
		"load: {reads: 19}": {
			"the load is thin: 19 reads a second from each region is fewer than 2 in a bucket of 100 ms, so a recovery is timed to 100 ms at best; raise load.reads to 20, or widen objectives.bucket",
		},
		"load: {reads: 2}\nobjectives: {bucket: 1s}": nil,
	} {
		if diff := cmp.Diff(want, resolve(t, lines+"\nsteps: []", 1).Warnings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", lines, diff)
		}
	}
}

// A stability window of one's own must fit into the observation and between two episodes.
func TestAStabilityWindowOfOnesOwn(t *testing.T) {
	p := resolve(t, "episodes: 2\nphase: 1ms\nobjectives: {rto: 10s, stable: 20s}\nsteps:\n  - {at: 0s, for: 5s, fault: kill, on: {all: true}}", 1)
	if want := 31 * time.Second; p.Observe != want {
		t.Errorf("observes %v, want %v", p.Observe, want)
	}
	if want := 30 * time.Second; p.Steps[1].At != want {
		t.Errorf("the second episode is at %v, want %v", p.Steps[1].At, want)
	}
}
