package broadcast_test

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
)

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestABroadcastWakesThoseWhoWaitAndNobodyLater(t *testing.T) {
	var s broadcast.Signal
	s.Broadcast() // with nobody waiting
	one, two := s.Next(), s.Next()
	if closed(one) || closed(two) {
		t.Fatal("a channel is closed by a broadcast of before it was asked for")
	}
	s.Broadcast()
	later := s.Next()
	if !closed(one) || !closed(two) {
		t.Error("a broadcast does not close all channels that were asked for before it")
	}
	if closed(later) {
		t.Error("a broadcast closes a channel that was asked for after it")
	}
}

// TestNoChangeIsMissed has many waiters follow a counter to its end; one that missed a
// broadcast would wait for ever.
func TestNoChangeIsMissed(t *testing.T) {
	const end = 1000
	var (
		s       broadcast.Signal
		mu      sync.Mutex
		counter int
		waiters sync.WaitGroup
	)
	for range 8 {
		waiters.Go(func() {
			for {
				next := s.Next()
				mu.Lock()
				now := counter
				mu.Unlock()
				if now == end {
					return
				}
				<-next
			}
		})
	}
	for range end {
		mu.Lock()
		counter++
		mu.Unlock()
		s.Broadcast()
	}
	waiters.Wait()
}

// door is opened by one goroutine and waited for by any number.
type door struct {
	mu      sync.Mutex
	open    bool
	changed broadcast.Signal
}

func (d *door) Open() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open = true
	d.changed.Broadcast()
}

func (d *door) Wait(ctx context.Context) error {
	for {
		changed := d.changed.Next() // before the look
		d.mu.Lock()
		open := d.open
		d.mu.Unlock()
		if open {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func Example() {
	var d door
	go d.Open()
	fmt.Println(d.Wait(context.Background()))
	// Output: <nil>
}
