package history

import "time"

// Clock gives offsets from one start, the only time a run knows. Make it once,
// when the run starts.
type Clock struct{ start time.Time }

// NewClock returns a clock that starts now.
func NewClock() Clock { return Clock{time.Now()} }

// Started is the wall-clock time of the start.
func (c Clock) Started() time.Time { return c.start.Round(0) }

// Now is the offset of the present instant. It is monotonic: a stepped wall
// clock does not move it.
func (c Clock) Now() time.Duration { return time.Since(c.start) }

// At is the offset of an instant. One that was read on this machine's clock in
// this process is exact; any other is compared by wall clock, and is as good
// as that clock is.
func (c Clock) At(t time.Time) time.Duration { return t.Sub(c.start) }
