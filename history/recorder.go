package history

import (
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// Recorder records operations from many goroutines as they end. It keeps them in
// memory, and writes them to a file in a goroutine that ends with
// Close. Record takes a lock and a copy; compression and the disk never delay a client.
type Recorder struct {
	mu     sync.Mutex
	chunks [][]Op // all full but the last; never copied as the history grows
	count  int

	viewMu sync.Mutex // taken before mu; a reader that copies never delays Record
	view   []Op       // what Ops has returned so far, only ever appended to

	file  *os.File
	zip   *zstd.Encoder
	done  chan struct{} // closed by Close
	ended chan error    // the writer's error, once it has ended
	once  sync.Once
	err   error
}

// chunk is how many operations are kept in one piece of memory.
const chunk = 4096

// flushInterval is how often the history is written: at most that much is lost in a crash.
const flushInterval = 500 * time.Millisecond

// NewRecorder creates the file and starts the goroutine that writes to it.
func NewRecorder(path string) (*Recorder, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("record history: %w", err)
	}
	z, err := newEncoder(f)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("record history %s: %w", path, err)
	}
	r := &Recorder{file: f, zip: z, done: make(chan struct{}), ended: make(chan error, 1)}
	go func() { r.ended <- r.write() }()
	return r, nil
}

// Record adds one operation. It must not be called after Close.
func (r *Recorder) Record(op Op) {
	r.mu.Lock()
	if r.count%chunk == 0 {
		r.chunks = append(r.chunks, make([]Op, 0, chunk))
	}
	last := len(r.chunks) - 1
	r.chunks[last] = append(r.chunks[last], op)
	r.count++
	r.mu.Unlock()
}

// Ops returns everything recorded so far, in the order in which it was recorded.
// The slice is shared with other callers: its operations must not be changed, and it
// does not grow when more is recorded. A call copies only what was recorded since the
// call before it, so asking ten times a second stays cheap while the history grows.
func (r *Recorder) Ops() []Op {
	r.viewMu.Lock()
	defer r.viewMu.Unlock()
	for ops := r.rest(len(r.view)); len(ops) > 0; ops = r.rest(len(r.view)) {
		r.view = append(r.view, ops...)
	}
	return slices.Clip(r.view)
}

// Close writes what is not written yet, ends the file and reports the first
// error of writing it; the operations in memory stay readable either way.
// Further calls return the same.
func (r *Recorder) Close() error {
	r.once.Do(func() {
		close(r.done)
		r.err = <-r.ended
	})
	return r.err
}

// write is the background goroutine: it writes what is new twice a second and
// ends each time with a complete block.
func (r *Recorder) write() (err error) {
	defer func() {
		if cerr := r.zip.Close(); err == nil {
			err = cerr
		}
		if cerr := durable.Close(r.file); err == nil {
			err = cerr
		}
		if err != nil {
			err = fmt.Errorf("record history %s: %w", r.file.Name(), err)
		}
	}()
	tick := time.NewTicker(flushInterval)
	defer tick.Stop()
	var (
		written int
		line    []byte
	)
	for last := false; !last; {
		select {
		case <-r.done:
			last = true
		case <-tick.C:
		}
		before := written
		for ops := r.rest(written); len(ops) > 0; ops = r.rest(written) {
			for i := range ops {
				line = appendOp(line[:0], &ops[i])
				if _, err := r.zip.Write(line); err != nil {
					return err
				}
			}
			written += len(ops)
		}
		if written == before {
			continue
		}
		if err := r.zip.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// rest returns the operations from the nth to the end of its chunk, none when there is
// no nth yet. They are never changed again, so they are read without the lock.
func (r *Recorder) rest(n int) []Op {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n >= r.count {
		return nil
	}
	return r.chunks[n/chunk][n%chunk:]
}
