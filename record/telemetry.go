package record

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/mcp-resilience/holdfast/internal/durable"
	"github.com/mcp-resilience/holdfast/topology"
)

// The files of metrics and traces that the system's nodes exported. They do not exist for a system
// that exports none, and no verdict depends on them.
const (
	MetricsFile = "metrics.jsonl.zst" // a Sample a line
	TracesFile  = "traces.jsonl.zst"  // a TraceSpan a line
)

// Sample is the metrics of one node at one instant.
type Sample struct {
	At     time.Duration      `json:"at"`
	Node   topology.NodeID    `json:"node"`
	Values map[string]float64 `json:"values"` // by series, such as name{label="value"}
}

// TraceSpan is one finished part of a request, as a node traced it.
type TraceSpan struct {
	At         time.Duration     `json:"at"` // when it began
	Node       topology.NodeID   `json:"node"`
	Trace      string            `json:"trace"`
	ID         string            `json:"id"`
	Parent     string            `json:"parent,omitempty"`
	Name       string            `json:"name"`
	Duration   time.Duration     `json:"duration"` // nanoseconds
	Error      string            `json:"error,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Lines is a compressed file of JSON values, one a line, that is being written.
// Its methods may be called concurrently. What was flushed survives a crash.
type Lines struct {
	mu   sync.Mutex
	file *os.File
	zip  *zstd.Encoder
	enc  *json.Encoder
}

// Lines creates MetricsFile or TracesFile for writing.
func (d *Dir) Lines(name string) (*Lines, error) {
	f, err := os.Create(filepath.Join(d.Path, name))
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", name, err), f.Close())
	}
	return &Lines{file: f, zip: z, enc: json.NewEncoder(z)}, nil
}

// Write adds a value as a line.
func (l *Lines) Write(v any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.enc.Encode(v); err != nil {
		return fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	return nil
}

// Flush hands what was written to the operating system.
func (l *Lines) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.zip.Flush(); err != nil {
		return fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	return nil
}

// Close ends the file.
func (l *Lines) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := errors.Join(l.zip.Close(), durable.Close(l.file)); err != nil {
		return fmt.Errorf("write %s: %w", l.file.Name(), err)
	}
	return nil
}

// Samples reads the metrics of a run directory. There are none where the system exports none.
// A line that a crash truncated is left out.
func Samples(dir string) ([]Sample, error) { return linesOf[Sample](dir, MetricsFile) }

// Spans reads the traces of a run directory, as Samples does.
func Spans(dir string) ([]TraceSpan, error) { return linesOf[TraceSpan](dir, TracesFile) }

// linesOf reads the lines of a file of a run directory.
func linesOf[T any](dir, name string) (_ []T, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return readLines[T](root, name)
}

// readLines reads them. The file may have been filled by somebody else: it does not lead out of the directory, and
// what it may take is bounded.
func readLines[T any](root *os.Root, name string) ([]T, error) {
	f, err := openFile(root, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(16<<20))
	if err != nil {
		return nil, fmt.Errorf("load %s: %w", f.Name(), err)
	}
	defer z.Close()
	whole := &io.LimitedReader{R: z, N: maxLinesFile}
	in := bufio.NewReader(whole)
	var out []T
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		switch {
		case whole.N == 0:
			return nil, fmt.Errorf("load %s: it decompresses to more than %d MiB, the most that is read of such a file", f.Name(), maxLinesFile>>20)
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("load %s:%d: %w", f.Name(), n, err)
		}
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("load %s:%d: %w", f.Name(), n, err)
		}
		out = append(out, v)
	}
}
