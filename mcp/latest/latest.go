// Package latest keeps the latest items of a growing list, such as a node's
// diary or its traces, and serves them as newline-delimited JSON over HTTP: all
// that are kept, then each as it comes. What is older is forgotten; nothing is
// on disk.
package latest

import (
	"encoding/json"
	"net/http"
	"sync"
)

// List is such a list. Its items are numbered 1, 2, …. Create it with New.
type List[T any] struct {
	keep int

	mu     sync.Mutex
	seq    uint64 // of the last item
	kept   []T
	change chan struct{} // closed and replaced at each item
}

// New returns an empty list that keeps so many items at least; older ones are
// forgotten, at the latest when there are twice as many.
func New[T any](keep int) *List[T] {
	return &List[T]{keep: keep, change: make(chan struct{})}
}

// Add appends the item that is made for its number.
func (l *List[T]) Add(item func(seq uint64) T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seq++
	l.kept = append(l.kept, item(l.seq))
	// Only now and then, for it copies all that are kept.
	if len(l.kept) >= 2*l.keep {
		l.kept = append(make([]T, 0, 2*l.keep), l.kept[len(l.kept)-l.keep:]...)
	}
	close(l.change)
	l.change = make(chan struct{})
}

// After returns the items kept that follow a number, the number of the last,
// and a channel that is closed when there are more.
func (l *List[T]) After(seq uint64) (items []T, last uint64, more <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	news := min(l.seq-min(seq, l.seq), uint64(len(l.kept)))
	return append([]T(nil), l.kept[len(l.kept)-int(news):]...), l.seq, l.change
}

// Serve streams the list until the reader goes or done is closed; what came
// before that is sent.
func (l *List[T]) Serve(done <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		flush, enc := http.NewResponseController(w), json.NewEncoder(w)
		var seen uint64
		for stopping := false; ; {
			items, last, more := l.After(seen)
			for _, i := range items {
				if enc.Encode(i) != nil {
					return
				}
			}
			seen = last
			if flush.Flush() != nil || stopping {
				return
			}
			select {
			case <-more:
			case <-done:
				stopping = true // what was noted meanwhile is worth a last look
			case <-r.Context().Done():
				return
			}
		}
	}
}
