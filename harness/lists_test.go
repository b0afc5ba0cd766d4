package harness_test

import (
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/workload"
)

// A load with appends to lists is judged by order and by what is there in the end: a store that keeps both is green, and
// each way to lie is red where it belongs.
func TestListsAreJudged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		defect func(*harnesstest.Store)
		wrong  map[string]record.Verdict // of the checks that do not pass
	}{
		{"a list as it should be", func(*harnesstest.Store) {}, nil},
		{"appends out of order", func(s *harnesstest.Store) { s.ReordersAppends = true }, map[string]record.Verdict{"linearizable": record.Fail}},
		{"appends that are acknowledged and dropped", func(s *harnesstest.Store) { s.DropsAppends = true }, map[string]record.Verdict{"linearizable": record.Fail, "rpo": record.Fail}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := harnesstest.NewStore()
			c.defect(s)
			p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 500*time.Millisecond)
			p.Load = workload.Load{Reads: 100, Writes: 100, Mix: workload.Mix{Write: 20, CAS: 10, Add: 20, Append: 50}}.Resolve()
			r, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(nil), Root: t.TempDir()})
			if err != nil {
				t.Fatal(err)
			}
			kinds := map[history.Kind]int{}
			for i := range r.Ops {
				if op := &r.Ops[i]; op.Outcome == history.OK {
					kinds[op.Kind]++
				}
				if op := &r.Ops[i]; op.Kind == history.ListRead && op.Final {
					kinds["final"]++
				}
			}
			if kinds[history.Append] == 0 || kinds[history.ListRead] == 0 || kinds["final"] == 0 {
				t.Errorf("operations by kind: %v; want appends, reads and final reads of lists", kinds)
			}
			for _, check := range []string{"linearizable", "rpo", "phantoms", "divergence", "duplicates", "every kind succeeds"} {
				want := record.Pass
				if v, ok := c.wrong[check]; ok {
					want = v
				}
				if got := finding(r, check); got.Verdict != want {
					t.Errorf("%s is %s, want %s: %s", check, got.Verdict, want, got.Description)
				}
			}
		})
	}
}
