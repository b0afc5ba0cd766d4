package harness

import (
	"context"
	"os"
	"sync"
	"time"

	"github.com/prometheus/procfs"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// machineInterval is how often the machine is measured.
	machineInterval = 250 * time.Millisecond
	// engineInterval is how often the container engine is asked for a sign of life, and
	// engineTimeout how long it may take; one that takes longer counts as that.
	engineInterval = time.Second
	// sandboxInterval is how often the sandboxes' processor time is read.
	sandboxInterval = time.Second
	engineTimeout   = 10 * time.Second
	// freeEngine is how fast an engine answers on a machine that is free, freeLag how late the
	// monitor is woken at most; see slowdown.
	freeEngine  = 100 * time.Millisecond
	freeLag     = 250 * time.Millisecond
	maxSlowdown = 5
)

// machineMonitor records what the machine does during a run, because a busy machine makes
// every system slow: checks must be able to tell one from the other.
type machineMonitor struct {
	log    *runLog
	file   *telemetryFile
	cancel context.CancelFunc
	done   sync.WaitGroup

	mu     sync.Mutex
	engine time.Duration // the latest answer's
	latest record.MachineSample
	// sandboxes are measured since the latest sample; nil when there is nothing new.
	sandboxes map[topology.NodeID]record.SandboxSample
}

// startMachineMonitor measures until stop is called. A machine that tells nothing of
// itself, such as one without /proc, has samples with what the monitor itself can see.
func startMachineMonitor(ctx context.Context, c *cluster.Cluster, dir *record.Dir, log *runLog) (*machineMonitor, error) {
	file, err := openTelemetry(dir, record.MachineFile, log)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &machineMonitor{log: log, file: file, cancel: cancel}
	m.done.Go(func() { m.sample(ctx) })
	if p, ok := c.Pinger(); ok {
		m.done.Go(func() { m.ping(ctx, p) })
	}
	m.done.Go(func() { m.meterSandboxes(ctx, c) })
	return m, nil
}

// sample writes a sample each interval.
func (m *machineMonitor) sample(ctx context.Context) {
	tick := time.NewTicker(machineInterval)
	defer tick.Stop()
	before, at := readMachine(), m.log.now()
	for {
		due := at + machineInterval
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, counters := m.log.now(), readMachine()
		s := counters.since(before, now-at)
		s.At, s.Length, s.Lag, s.Engine = now, now-at, max(0, now-due), m.engineAnswer()
		s.Sandboxes = m.takeSandboxes()
		before, at = counters, now
		m.log.change(func(run *record.Run) { run.Machine = append(run.Machine, s) })
		m.file.write(s, true)
		m.mu.Lock()
		m.latest = s
		m.mu.Unlock()
	}
}

// ping asks the engine for a sign of life again and again.
func (m *machineMonitor) ping(ctx context.Context, p cluster.Pinger) {
	for {
		began := m.log.now()
		pctx, cancel := context.WithTimeout(ctx, engineTimeout)
		_ = p.Ping(pctx) // how long it took is what counts, whatever it said
		cancel()
		m.mu.Lock()
		m.engine = m.log.now() - began
		m.mu.Unlock()
		if sleep(ctx, engineInterval) != nil {
			return
		}
	}
}

// meterSandboxes measures the sandboxes once a second. Where they are processes of this machine, that reads a few
// files of /proc for each.
func (m *machineMonitor) meterSandboxes(ctx context.Context, c *cluster.Cluster) {
	before, at := c.SandboxCPU(ctx), m.log.now()
	for sleep(ctx, sandboxInterval) == nil {
		mctx, cancel := context.WithTimeout(ctx, engineTimeout)
		now := c.SandboxCPU(mctx)
		cancel()
		took := m.log.now() - at
		at += took
		samples := map[topology.NodeID]record.SandboxSample{}
		for id, u := range now {
			was, known := before[id]
			if !known || u.Used < was.Used || took <= 0 {
				continue // it was made again meanwhile
			}
			samples[id] = record.SandboxSample{
				Length: took, CPU: float64(u.Used-was.Used) / float64(took),
				Waited: float64(max(0, u.Waited-was.Waited)) / float64(took), // less than 0 when a thread ended
			}
		}
		before = now
		m.mu.Lock()
		m.sandboxes = samples
		m.mu.Unlock()
	}
}

// takeSandboxes returns the latest measurement of the sandboxes, once.
func (m *machineMonitor) takeSandboxes() map[topology.NodeID]record.SandboxSample {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := m.sandboxes
	m.sandboxes = nil
	return out
}

// slowdown is how many times longer than on a free machine things may take just now, from 1 to
// maxSlowdown: as an engine that answers in 20 ms then, and tasks that wait for a processor
// less than half of the time, have become slower.
func (m *machineMonitor) slowdown() float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	waiting := 1.0
	if p := m.latest.CPUPressure; p > 0.5 {
		waiting = 0.5 / max(0.5/maxSlowdown, 1-p)
	}
	return min(maxSlowdown, max(1, waiting, float64(m.engine)/float64(freeEngine), float64(m.latest.Lag)/float64(freeLag)))
}

func (m *machineMonitor) engineAnswer() time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.engine
}

// stop ends the monitor. It may be called again.
func (m *machineMonitor) stop() {
	m.cancel()
	m.done.Wait()
	m.file.close()
}

// machineCounters are what the kernel counts, all of it since some beginning.
type machineCounters struct {
	cpuStall, ioStall, memoryStall time.Duration // in which some task waited
	busy, steal, total             float64       // seconds of all processors
	runDelay                       time.Duration // of this process's threads
}

// readMachine reads them; what cannot be read stays 0.
func readMachine() (c machineCounters) {
	fs, err := procfs.NewDefaultFS()
	if err != nil {
		return c
	}
	for resource, into := range map[string]*time.Duration{"cpu": &c.cpuStall, "io": &c.ioStall, "memory": &c.memoryStall} {
		if s, err := fs.PSIStatsForResource(resource); err == nil && s.Some != nil {
			*into = time.Duration(s.Some.Total) * time.Microsecond
		}
	}
	if s, err := fs.Stat(); err == nil {
		t := s.CPUTotal
		c.steal = t.Steal
		c.busy = t.User + t.Nice + t.System + t.IRQ + t.SoftIRQ
		c.total = c.busy + c.steal + t.Idle + t.Iowait
	}
	threads, err := fs.AllThreads(os.Getpid())
	if err != nil {
		return c
	}
	for _, t := range threads {
		if s, err := t.Schedstat(); err == nil {
			c.runDelay += time.Duration(s.WaitingNanoseconds)
		}
	}
	return c
}

// since is what happened from an earlier reading on, which was length ago.
func (c machineCounters) since(before machineCounters, length time.Duration) record.MachineSample {
	share := func(now, then time.Duration) float64 {
		if length <= 0 {
			return 0
		}
		return min(1, max(0, float64(now-then)/float64(length)))
	}
	s := record.MachineSample{
		CPUPressure:    share(c.cpuStall, before.cpuStall),
		IOPressure:     share(c.ioStall, before.ioStall),
		MemoryPressure: share(c.memoryStall, before.memoryStall),
		RunDelay:       max(0, c.runDelay-before.runDelay), // less than 0 when a thread ended
	}
	if total := c.total - before.total; total > 0 {
		s.Busy, s.Steal = (c.busy-before.busy)/total, (c.steal-before.steal)/total
	}
	return s
}
