package harness

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/record"
)

// maxLinearizabilityCharts is how many keys have a chart, and maxChartTime how long the
// searches behind the charts may take. A run in which everything went wrong needs no thousand of
// them; a chart that is made after that time shows the operations alone.
const (
	maxLinearizabilityCharts = 100
	maxChartTime             = 20 * time.Second
)

// writeLinearizabilityCharts keeps, beside the reports, Porcupine's chart of the registers that are
// not linearizable, as linearizability-KEY.html, and names each in the evidence of the finding, after what
// it says of that key. Charts
// of an earlier verdict are removed. A set has none: it is decided without Porcupine, and its
// counterexample names the reads that contradict each other.
func writeLinearizabilityCharts(ctx context.Context, dir *record.Dir, r *record.Run) error {
	if err := dir.Remove(chartFile("*")); err != nil {
		return fmt.Errorf("remove earlier linearizability charts: %w", err)
	}
	i := slices.IndexFunc(r.Result.Findings, func(f record.Finding) bool { return f.Check == "linearizable" })
	if i < 0 || r.Result.Linearizable == nil || len(r.Result.Linearizable.Violating) == 0 {
		return nil
	}
	searching, cancel := context.WithTimeout(ctx, maxChartTime)
	defer cancel()
	written := map[string]bool{}
	f := &r.Result.Findings[i]
	for _, k := range keyindex.New(r.Ops).Registers {
		if !slices.Contains(r.Result.Linearizable.Violating, k.Name) || len(written) == maxLinearizabilityCharts {
			continue
		}
		var page bytes.Buffer
		if err := linear.VisualizeKey(searching, &page, k.Ops); err != nil {
			addKeyEvidence(f, k.Name, fmt.Sprintf("%s has no chart: %v", k.Name, err))
			continue
		}
		safe := unsafeInFileNames.ReplaceAllString(k.Name, "_")
		name := chartFile(safe)
		for n := 2; written[name]; n++ { // another key is called the same but for what no file name may hold
			name = chartFile(fmt.Sprintf("%s-%d", safe, n))
		}
		if err := dir.WriteFile(name, page.Bytes()); err != nil {
			return fmt.Errorf("write the linearizability chart of %s: %w", k.Name, err)
		}
		written[name] = true
		addKeyEvidence(f, k.Name, fmt.Sprintf("chart of %s: %s", k.Name, name))
	}
	return nil
}

// addKeyEvidence adds a line after those on a key, which begin with its name.
func addKeyEvidence(f *record.Finding, key, line string) {
	at := len(f.Evidence)
	for i, e := range f.Evidence {
		if strings.HasPrefix(e, key+": ") {
			at = i + 1
		}
	}
	f.Evidence = slices.Insert(f.Evidence, at, line)
}

func chartFile(key string) string { return "linearizability-" + key + ".html" }

var unsafeInFileNames = regexp.MustCompile(`[^A-Za-z0-9._-]`)
