package harness

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// scrapeInterval is how often a node is asked for its figures, scrapeTimeout
	// how long it may take to answer. A node that does not answer leaves a gap.
	scrapeInterval = 2 * time.Second
	scrapeTimeout  = time.Second
)

// startTelemetry records what the nodes measure and trace of themselves until
// the system is closed. A target without either leaves no files.
func (s *system) startTelemetry(ctx context.Context, dir *record.Dir) error {
	source, ok := s.target.(targets.MetricsSource)
	if !ok {
		return nil
	}
	metrics, err := openTelemetry(dir, record.MetricsFile, s.log)
	if err != nil {
		return err
	}
	traces, err := openTelemetry(dir, record.TracesFile, s.log)
	if err != nil {
		metrics.close()
		return err
	}
	s.inBackground(ctx, "telemetry", func(ctx context.Context) {
		var all sync.WaitGroup
		for _, n := range s.topology.Nodes {
			all.Go(func() { s.scrape(ctx, source, n.ID, metrics) })
		}
		all.Go(func() {
			source.Trace(ctx, s.cluster, func(wall time.Time, span record.TraceSpan) {
				span.At = s.log.clock.At(wall)
				traces.write(span, false)
			})
		})
		all.Wait()
	})
	s.stops = append(s.stops, metrics.close, traces.close)
	return nil
}

// scrape asks one node for its figures again and again.
func (s *system) scrape(ctx context.Context, source targets.MetricsSource, id topology.NodeID, into *telemetryFile) {
	for {
		actx, cancel := context.WithTimeout(ctx, scrapeTimeout)
		at := s.log.now()
		values, err := source.Metrics(actx, s.cluster, id)
		cancel()
		if err == nil {
			into.write(record.Sample{At: at, Node: id, Values: values}, true)
		}
		if sleep(ctx, scrapeInterval) != nil {
			return
		}
	}
}

// telemetryFile is a file of lines that may be closed while a source that did
// not end in time still writes to it; what comes then is dropped.
type telemetryFile struct {
	log *runLog

	mu     sync.Mutex
	lines  *record.Lines
	closed bool
}

func openTelemetry(dir *record.Dir, name string, log *runLog) (*telemetryFile, error) {
	lines, err := dir.Lines(name)
	if err != nil {
		return nil, err
	}
	return &telemetryFile{log: log, lines: lines}, nil
}

func (f *telemetryFile) write(v any, flush bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	err := f.lines.Write(v)
	if flush {
		err = errors.Join(err, f.lines.Flush())
	}
	if err != nil {
		f.log.notice(record.EventNotice, "%v", err)
	}
}

func (f *telemetryFile) close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return
	}
	f.closed = true
	if err := f.lines.Close(); err != nil {
		f.log.notice(record.EventNotice, "%v", err)
	}
}
