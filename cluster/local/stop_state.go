package local

// stopState is who wants a process to stand still: a Signal that paused it, a
// limiter of its CPU. It stands while either does.
type stopState struct{ paused, limited bool }

// pause is cluster.Pause and, with false, cluster.Resume.
func (c *child) pause(on bool) error {
	return c.withPID(func(pid int) error {
		c.stop.paused = on
		if on {
			return signalProcess(pid, sigStop)
		}
		if c.stop.limited {
			return nil
		}
		return signalProcess(pid, sigCont)
	})
}

// suspend stops the process for its limiter or lets it go on, and returns
// whether it has been stopped now.
func (c *child) suspend(on bool) (begins bool) {
	_ = c.withPID(func(pid int) error {
		if c.stop.limited == on {
			return nil
		}
		c.stop.limited, begins = on, on
		if on {
			return signalProcess(pid, sigStop)
		}
		if c.stop.paused {
			return nil
		}
		return signalProcess(pid, sigCont)
	})
	return begins
}

// suspended says whether the process stands still for its limiter alone, which
// is no pause.
func (c *child) suspended() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stop.limited && !c.stop.paused
}
