package gateway

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// schedProbeInterval is how often a byte is sent through the pipe.
const schedProbeInterval = 20 * time.Millisecond

// probeSchedLatency measures how long incoming data waits until this process handles
// it. It sends a byte through a pipe, which passes the network poller and the
// scheduler's run queue as a call from a socket does. Neither a timer nor the time from
// the decoding of a call to its handler would show the wait: the scheduler runs first
// what became ready last, so both jump the queue in which calls wait. It returns when
// ctx ends.
func probeSchedLatency(ctx context.Context, s *Shedder) {
	r, w, err := os.Pipe()
	if err != nil {
		return // there are no file descriptors left, which other errors report
	}
	var sent atomic.Int64 // when the byte was sent, in Unix nanoseconds; 0 while none is in the pipe
	var all sync.WaitGroup
	defer all.Wait()
	defer w.Close() // ends the reader
	all.Go(func() {
		defer r.Close()
		var b [1]byte
		for {
			if n, err := r.Read(b[:]); n == 0 || err != nil {
				return
			}
			now := time.Now()
			s.ObserveDelay(now, now.Sub(time.Unix(0, sent.Swap(0))))
		}
	})
	tick := time.NewTicker(schedProbeInterval)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		// Timers run first, so a late tick means that the process was not scheduled.
		s.ObserveThrottled(now, max(0, now.Sub(last)-schedProbeInterval))
		last = now
		at := sent.Load()
		if at == 0 {
			sent.Store(now.UnixNano())
			if _, err := w.Write([]byte{0}); err != nil {
				return
			}
		} else if wait := now.Sub(time.Unix(0, at)); wait >= codelTarget {
			s.ObserveDelay(now, wait) // the byte is still waiting
		}
	}
}
