// Package tailbuffer holds the latest items of a growing list, such as a node's event
// log or its traces, in memory. It streams them as newline-delimited JSON over HTTP:
// those that it holds, then each new one.
package tailbuffer

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
)

// Buffer holds the latest items of a list. All items are numbered 1, 2, …. Create it with New.
type Buffer[T any] struct {
	capacity int

	mu      sync.Mutex
	seq     uint64 // number of the last item
	items   []T
	changed broadcast.Signal
}

// New returns an empty buffer that holds at least capacity items, and fewer than twice as
// many.
func New[T any](capacity int) *Buffer[T] {
	return &Buffer[T]{capacity: capacity}
}

// Append appends the item that the function returns for its number.
func (b *Buffer[T]) Append(item func(seq uint64) T) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seq++
	b.items = append(b.items, item(b.seq))
	// Dropping copies all items that stay, so it is done only now and then.
	if len(b.items) >= 2*b.capacity {
		b.items = append(make([]T, 0, 2*b.capacity), b.items[len(b.items)-b.capacity:]...)
	}
	b.changed.Broadcast()
}

// After returns the items that follow a number, as far as the buffer holds them, the
// number of the last item, and a channel that is closed when there is another one.
func (b *Buffer[T]) After(seq uint64) (items []T, last uint64, more <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(b.seq-min(seq, b.seq), uint64(len(b.items)))
	return append([]T(nil), b.items[len(b.items)-int(n):]...), b.seq, b.changed.Next()
}

// Stream streams the items until the reader disconnects or done is closed. Items that
// were appended before done was closed are still sent.
func (b *Buffer[T]) Stream(done <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		flush, enc := http.NewResponseController(w), json.NewEncoder(w)
		var sent uint64
		for stopping := false; ; {
			items, last, more := b.After(sent)
			for _, i := range items {
				if enc.Encode(i) != nil {
					return
				}
			}
			sent = last
			if flush.Flush() != nil || stopping {
				return
			}
			select {
			case <-more:
			case <-done:
				stopping = true // send what was appended meanwhile
			case <-r.Context().Done():
				return
			}
		}
	}
}
