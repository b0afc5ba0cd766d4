package gateway

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// chirp is how often the canary is sent.
const chirp = 20 * time.Millisecond

// canary measures how long what comes in waits until this process gets to it:
// a byte through a pipe, which passes the poller and the scheduler's queue as a
// call from a socket does. A timer would not tell, nor the time from a call's
// decoding to its handler: the scheduler runs what was readied last first, so
// both jump the queue in which calls stand. It returns when ctx ends.
func canary(ctx context.Context, s *Shedder) {
	r, w, err := os.Pipe()
	if err != nil {
		return // no descriptors left: other errors will tell
	}
	var sent atomic.Int64 // in Unix nanoseconds; 0 while none is on its way
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
			s.Waited(now, now.Sub(time.Unix(0, sent.Swap(0))))
		}
	})
	tick := time.NewTicker(chirp)
	defer tick.Stop()
	for last := time.Now(); ; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		// A late tick is one that this process was not let run for; timers go first.
		s.Stopped(now, max(0, now.Sub(last)-chirp))
		last = now
		at := sent.Load()
		if at == 0 {
			sent.Store(now.UnixNano())
			if _, err := w.Write([]byte{0}); err != nil {
				return
			}
		} else if wait := now.Sub(time.Unix(0, at)); wait >= target {
			s.Waited(now, wait) // and counting
		}
	}
}
