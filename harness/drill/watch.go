package drill

import (
	"fmt"
	"strings"
	"sync"

	"github.com/onsi/ginkgo/v2"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/internal/duration"
)

// watcher writes a run's events to the spec's output and knows its state for
// Ginkgo's progress reports.
type watcher struct {
	title string

	mu   sync.Mutex
	last harness.Progress
}

func newWatcher(scenario, runtime string) *watcher {
	return &watcher{title: scenario + " on " + runtime}
}

func (w *watcher) print(p harness.Progress) {
	w.mu.Lock()
	w.last = p
	w.mu.Unlock()
	if e := p.Event; e != nil {
		fmt.Fprintf(ginkgo.GinkgoWriter, "%8.3fs %-8s %s%s %s: %s\n", e.At.Seconds(), e.Source, e.Node, e.Region, e.Kind, e.Description)
	}
}

func (w *watcher) state() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	p := w.last
	var b strings.Builder
	fmt.Fprintf(&b, "%s: run %s, %.1fs, phase %s", w.title, p.ID, p.At.Seconds(), p.Phase)
	for _, r := range p.Rates {
		fmt.Fprintf(&b, "\n  %s: %d/s, %.0f %% ok, p99 %s", r.Region, r.Due, 100*r.OK, duration.Format(r.P99))
	}
	for _, f := range p.Active {
		b.WriteString("\n  fault under way: " + f)
	}
	return b.String()
}
