package harness

import (
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// Progress is the state of a run at an instant. One is handed to Options.Watch
// at each event and ten times a second. Its texts are safe to print, each on one line.
type Progress struct {
	ID    string
	At    time.Duration
	Phase string
	// Ends is when the phase is planned to end at the latest; record.NotReached when that is not known.
	Ends   time.Duration
	Event  *record.Event // what just happened, nil for a tick
	Active []string      // descriptions of the faults under way
	Rates  []Rate        // over the last second whose operations are all decided
}

// Rate is what the clients of one region saw over the last second.
type Rate struct {
	Region string
	Due    int           // operations a second
	OK     float64       // share, 0 to 1
	P99    time.Duration // latency of the acknowledged operations, from their intended time; 0 for none
}

const (
	tickInterval = 100 * time.Millisecond
	// maxQueuedEvents is how many events wait for a slow watcher before others are not shown to it.
	maxQueuedEvents = 4096
	// watchTimeout is how long the end of a run waits for a watcher.
	watchTimeout = 2 * time.Second
)

// progressFeed hands the state of a run to whoever watches it, from a goroutine
// of its own: a watcher that is slow or blocks delays nothing but itself.
type progressFeed struct {
	id    string
	now   func() time.Duration
	rates func() []Rate
	watch func(Progress)

	mu      sync.Mutex
	phase   string
	ends    time.Duration
	active  []string
	queue   []Progress
	full    bool      // an event was not queued since the queue was last empty
	ending  bool      // the queue is delivered, and then the feed ends
	blocked time.Time // when the watcher was called that has not returned; zero when it has

	wake chan struct{}
	done chan struct{} // closed when the watcher will not be called any more
}

// newProgressFeed starts a feed; without a watcher it only keeps the state.
func newProgressFeed(id string, now func() time.Duration, rates func() []Rate, watch func(Progress)) *progressFeed {
	f := &progressFeed{
		id: id, now: now, rates: rates, watch: watch, ends: record.NotReached,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	if watch == nil {
		close(f.done)
		return f
	}
	go f.deliver()
	return f
}

func (f *progressFeed) setPhase(name string, ends time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.phase, f.ends = name, ends
}

// begin and end keep the list of faults under way.
func (f *progressFeed) begin(description string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.active = append(slices.Clone(f.active), description)
}

func (f *progressFeed) end(description string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.active, description); i >= 0 {
		f.active = slices.Delete(slices.Clone(f.active), i, i+1)
	}
}

// event queues an event; it does not block. It returns false for the first
// event that finds the queue full, which is not shown, nor are those after it
// until the watcher has caught up.
func (f *progressFeed) event(e record.Event) bool {
	if f.watch == nil {
		return true
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.full || len(f.queue) >= maxQueuedEvents {
		first := !f.full
		f.full = true
		return !first
	}
	p := f.state()
	p.Event = &e
	f.queue = append(f.queue, p)
	f.wakeUp()
	return true
}

func (f *progressFeed) wakeUp() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// state is called with the lock held.
func (f *progressFeed) state() Progress {
	return Progress{ID: f.id, At: f.now(), Phase: f.phase, Ends: f.ends, Active: f.active}
}

// deliver is the goroutine that calls the watcher.
func (f *progressFeed) deliver() {
	defer close(f.done)
	tick := time.NewTicker(tickInterval)
	defer tick.Stop()
	for {
		ticked := false
		select {
		case <-f.wake:
		case <-tick.C:
			ticked = true
		}
		f.mu.Lock()
		batch, ending := f.queue, f.ending
		f.queue, f.full = nil, false
		if ticked && len(batch) == 0 {
			batch = []Progress{f.state()}
		}
		f.mu.Unlock()
		for _, p := range batch {
			p.Rates = f.rates()
			p.makePrintable()
			f.setBlocked(time.Now())
			f.watch(p)
			f.setBlocked(time.Time{})
		}
		if ending {
			return
		}
	}
}

// makePrintable makes what comes from the system and the scenario safe to print, for
// watchers print it. The record keeps it as it came. What p points to is shared.
func (p *Progress) makePrintable() {
	if p.Event != nil {
		e := *p.Event
		e.Source, e.Kind = record.EventSource(printable.Line(string(e.Source))), record.EventKind(printable.Line(string(e.Kind)))
		e.Region, e.Node = topology.Region(printable.Line(string(e.Region))), topology.NodeID(printable.Line(string(e.Node)))
		e.Fault, e.Description = printable.Line(e.Fault), printable.Line(e.Description)
		e.Fields = nil
		for name, value := range p.Event.Fields {
			if e.Fields == nil {
				e.Fields = map[string]string{}
			}
			e.Fields[printable.Line(name)] = printable.Line(value)
		}
		p.Event = &e
	}
	p.Active = slices.Clone(p.Active)
	for i := range p.Active {
		p.Active[i] = printable.Line(p.Active[i])
	}
}

func (f *progressFeed) setBlocked(since time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.blocked = since
}

// blockedFor is how long the watcher has not returned from its present call.
func (f *progressFeed) blockedFor() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.blocked.IsZero() {
		return 0
	}
	return time.Since(f.blocked)
}

// close delivers what is queued and ends the feed. It does not wait for a
// watcher longer than watchTimeout.
func (f *progressFeed) close() {
	f.mu.Lock()
	f.ending = true
	f.wakeUp()
	f.mu.Unlock()
	endsWithin(f.done, watchTimeout)
}
