package harness

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/check/linear"
	"github.com/mcp-resilience/holdfast/record"
)

// maxLinearizabilityCharts is how many keys have a chart. A run in which everything went wrong
// needs no thousand of them.
const maxLinearizabilityCharts = 5

// writeLinearizabilityCharts keeps, beside the reports, Porcupine's chart of the registers that are
// not linearizable, as linearizability-KEY.html, and names each in the evidence of the finding. Charts
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
	written := map[string]bool{}
	var evidence []string
	for _, k := range keyindex.New(r.Ops).Registers {
		name := chartFile(unsafeInFileNames.ReplaceAllString(k.Name, "_"))
		if !slices.Contains(r.Result.Linearizable.Violating, k.Name) || written[name] || len(written) == maxLinearizabilityCharts {
			continue
		}
		var page bytes.Buffer
		if err := linear.VisualizeKey(ctx, &page, k.Ops); err != nil {
			evidence = append(evidence, fmt.Sprintf("%s has no chart: %v", k.Name, err))
			continue
		}
		if err := dir.WriteFile(name, page.Bytes()); err != nil {
			return fmt.Errorf("write the linearizability chart of %s: %w", k.Name, err)
		}
		written[name] = true
		evidence = append(evidence, fmt.Sprintf("chart of %s: %s", k.Name, name))
	}
	f := &r.Result.Findings[i]
	f.Evidence = append(evidence, f.Evidence...)
	return nil
}

func chartFile(key string) string { return "linearizability-" + key + ".html" }

var unsafeInFileNames = regexp.MustCompile(`[^A-Za-z0-9._-]`)
