package history

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// batchSize is how many bytes of lines one worker parses at a time.
const batchSize = 1 << 20

// maxWorkers is how many parse at a time, at most: what is decompressed comes no faster than a few of them read.
const maxWorkers = 4

// batch is whole lines of a history and the operations that they are.
type batch struct {
	first  int // number of the first line
	text   []byte
	ops    []Op
	err    error // begins with the number of its line
	parsed chan struct{}
}

// parse reads JSON lines, on several processors at once. An unexpected end of the stream, or a last line
// without its newline, is a truncation. Memory is reserved for as many operations as capacity.
//
// One goroutine cuts the stream into batches, workers parse them in any order, and this one puts their operations
// together in the order of the lines, so that the first line that is wrong is the one that is named.
func parse(r io.Reader, capacity int) (ops []Op, truncated bool, err error) {
	var (
		workers = max(1, min(maxWorkers, runtime.GOMAXPROCS(0)))
		order   = make(chan *batch, 2*workers)
		work    = make(chan *batch)
		free    = make(chan *batch, 4*workers)
		quit    = make(chan struct{})
		cut     = splitter{in: r}
		memory  atomic.Int64
		all     sync.WaitGroup
	)
	all.Go(func() {
		defer close(order)
		defer close(work)
		for cut.err == nil {
			var b *batch
			select {
			case b = <-free:
			default:
				b = &batch{parsed: make(chan struct{}, 1)}
			}
			if !cut.next(b) {
				continue
			}
			select {
			case order <- b:
			case <-quit:
				return
			}
			select {
			case work <- b:
			case <-quit:
				return
			}
		}
	})
	for range workers {
		all.Go(func() {
			p := newParser()
			for b := range work {
				b.parse(p, &memory)
				b.parsed <- struct{}{}
			}
		})
	}
	ops = make([]Op, 0, capacity)
	for b := range order {
		if err != nil {
			continue // until the others have noticed
		}
		<-b.parsed
		if err = b.err; err != nil {
			close(quit)
			continue
		}
		ops = append(ops, b.ops...)
		select {
		case free <- b:
		default:
		}
	}
	all.Wait()
	switch {
	case err != nil:
		return nil, false, err
	case errors.Is(cut.err, io.EOF):
		return ops, len(cut.rest) > 0, nil
	case errors.Is(cut.err, io.ErrUnexpectedEOF):
		return ops, true, nil
	default:
		return nil, false, fmt.Errorf(":%d: %w", cut.lines+1, cut.err)
	}
}

// parse parses the lines of a batch, up to the first that is no operation.
func (b *batch) parse(p *parser, memory *atomic.Int64) {
	b.ops, b.err = b.ops[:0], nil
	rest := b.text
	for n := b.first; len(rest) > 0; n++ {
		end := bytes.IndexByte(rest, '\n')
		line := rest[:end]
		rest = rest[end+1:]
		if len(line) > maxLine {
			b.err = fmt.Errorf(":%d: line is longer than %d bytes", n, maxLine)
			return
		}
		b.ops = append(b.ops, Op{})
		before := p.memory
		if err := p.op(line, &b.ops[len(b.ops)-1]); err != nil {
			b.err = fmt.Errorf(":%d: %w", n, err)
			return
		}
		if memory.Add(int64(p.memory-before)) > int64(maxMemory) {
			b.err = fmt.Errorf(":%d: the history takes more than %d MiB of memory, the most that the operations of one may take", n, maxMemory>>20)
			return
		}
	}
}

// splitter cuts a stream into batches of whole lines.
type splitter struct {
	in    io.Reader
	rest  []byte // the beginning of a line whose end has not been read
	lines int    // that were cut off so far
	text  int    // their bytes
	err   error  // why there is no more
}

// next fills a batch and reports whether it has any line.
func (s *splitter) next(b *batch) bool {
	text := append(b.text[:0], s.rest...)
	end := 0 // after the last newline
	for s.err == nil && (len(text) < batchSize || end == 0) {
		if len(text) > maxLine && end == 0 {
			s.err = fmt.Errorf("line is longer than %d bytes", maxLine)
			break
		}
		if cap(text)-len(text) < batchSize/4 {
			text = slices.Grow(text, max(batchSize, len(text)))
		}
		var n int
		from := len(text)
		n, s.err = s.in.Read(text[from : from+batchSize/4])
		text = text[:from+n]
		if last := bytes.LastIndexByte(text[from:], '\n'); last >= 0 {
			end = from + last + 1
		}
	}
	s.rest = append(s.rest[:0], text[end:]...)
	b.text, b.first = text[:end], s.lines+1
	s.lines += bytes.Count(b.text, []byte{'\n'})
	if s.text += end; s.text > maxText {
		s.err = fmt.Errorf("the history is longer than %d MiB, the most that is decompressed of one", maxText>>20)
	}
	return end > 0
}
