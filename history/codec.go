package history

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"unsafe"

	"github.com/klauspost/compress/zstd"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// A history file is JSON lines, one operation each, in zstd. Every flush ends
// a zstd block, so that the file of a run that was killed decodes up to its
// last flush.

// maxLine is the longest line that is read: a read-back of a set of a million
// elements fits. A longer one is an error, not memory.
const maxLine = 64 << 20

// A few kilobytes of zstd can stand for gigabytes of text, and three bytes of text for a
// hundred in memory. So that a file from elsewhere does not take the machine down, what
// loading it takes is bounded. Tests lower the bounds.
var (
	// maxMemory is what the operations of one history may take: more than ten million do.
	maxMemory = 4 << 30
	// maxText is how much a history may decompress to. It bounds the time of loading.
	maxText = 16 << 30
)

// opSize is what an operation takes beside its strings and its set.
const opSize = int(unsafe.Sizeof(Op{}))

// Save writes a complete history to a file, and replaces a file that exists.
func Save(path string, ops []Op) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save history: %w", err)
	}
	defer func() {
		if cerr := durable.Close(f); err == nil && cerr != nil {
			err = fmt.Errorf("save history %s: %w", path, cerr)
		}
	}()
	z, err := newEncoder(f)
	if err != nil {
		return fmt.Errorf("save history %s: %w", path, err)
	}
	var line []byte
	for i := range ops {
		line = appendOp(line[:0], &ops[i])
		if _, err := z.Write(line); err != nil {
			return fmt.Errorf("save history %s: %w", path, err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("save history %s: %w", path, err)
	}
	return nil
}

// Load reads a history file. Truncated is true when the file ends in the middle, as
// that of a killed run does; the operations up to there are returned without
// an error. The error for a line that is not an operation names file and line.
func Load(path string) (ops []Op, truncated bool, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, false, fmt.Errorf("load history: %w", err)
	}
	defer f.Close()
	return LoadFile(f)
}

// LoadFile is Load for a file that is open.
func LoadFile(f *os.File) (ops []Op, truncated bool, err error) {
	expected := countLines(f)
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, false, fmt.Errorf("load history %s: %w", f.Name(), err)
	}
	ops, truncated, err = decode(f, expected)
	if err != nil {
		return nil, false, fmt.Errorf("load history %s%w", f.Name(), err)
	}
	return ops, truncated, nil
}

// newEncoder compresses fast and without goroutines of its own.
func newEncoder(w io.Writer) (*zstd.Encoder, error) {
	return zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20))
}

// decode reads a history from its bytes, compressed or not. Its errors start with the line
// number, ":12: …", or with ": ", to follow a file's name.
func decode(r io.Reader, capacity int) (ops []Op, truncated bool, err error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if _, err := in.Peek(1); err == io.EOF {
		return nil, true, nil // created and never flushed
	}
	if head, _ := in.Peek(1); len(head) > 0 && head[0] == '{' {
		return parse(in, capacity) // decompressed by hand, or made by somebody else
	}
	// With two, the next blocks are decompressed while lines of the last ones are parsed.
	z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return nil, false, fmt.Errorf(": %w", err)
	}
	defer z.Close()
	return parse(z, capacity)
}

// minLine is less than the shortest line of an operation. It bounds the memory that is reserved for a
// file of mostly newlines.
const minLine = 64

// countLines counts the operations of a file, so that memory for all of them is reserved once: a
// million take a quarter of a gigabyte. It stops counting at the bounds, and ignores errors, which
// decode then reports.
func countLines(r io.Reader) int {
	z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(8<<20))
	if err != nil {
		return 0
	}
	defer z.Close()
	var lines, size int
	buf := make([]byte, 1<<16)
	for {
		n, err := z.Read(buf)
		lines += bytes.Count(buf[:n], []byte{'\n'})
		size += n
		if err != nil || lines > maxMemory/opSize || size > maxText {
			return min(lines, size/minLine+1, maxMemory/opSize)
		}
	}
}
