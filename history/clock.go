package history

import "time"

// Clock gives offsets from the start of a run. There is one for each run.
type Clock struct{ start time.Time }

// NewClock returns a clock that starts now.
func NewClock() Clock { return Clock{time.Now()} }

// Started is the wall-clock time of the start.
func (c Clock) Started() time.Time { return c.start.Round(0) }

// Now is the offset of the present instant. It is monotonic: a stepped wall
// clock does not move it.
func (c Clock) Now() time.Duration { return time.Since(c.start) }

// At is the offset of an instant. It is exact for one that time.Now returned in this
// process. Any other is compared by the wall clock, and is as accurate as that clock.
func (c Clock) At(t time.Time) time.Duration { return t.Sub(c.start) }
