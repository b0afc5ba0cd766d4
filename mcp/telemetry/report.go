package telemetry

import (
	"context"
	"maps"
	"runtime"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// reportEvery is how often a node reports, reportAgain how soon it tries again
// when nobody leads, and reportLimit how long one report may take.
const (
	reportEvery = 5 * time.Second
	reportAgain = 100 * time.Millisecond
	reportLimit = 2 * time.Second
)

// Reporter sends a node's health reports to the leader. All fields are needed.
type Reporter struct {
	Node, Region string
	Leader       func() string // as far as the node knows, may be empty
	Term         func() uint64
	Applied      func() uint64
	Suspects     func() []string
	To           func(name string) (*grpc.ClientConn, error)
	// Own takes the reports of a node that leads.
	Own *Reports
}

// Run reports every five seconds until ctx ends. A report that does not arrive
// is not repeated: the next one says more.
func (r *Reporter) Run(ctx context.Context) {
	began := time.Now()
	for {
		next := reportEvery
		if !r.send(ctx, time.Since(began)) {
			next = reportAgain
		}
		select {
		case <-time.After(next):
		case <-ctx.Done():
			return
		}
	}
}

// send says whether there was a leader to report to.
func (r *Reporter) send(ctx context.Context, uptime time.Duration) bool {
	leader := r.Leader()
	if leader == "" {
		return false
	}
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	report := &api.HealthReport{
		Node: r.Node, Region: r.Region, Term: r.Term(), Applied: r.Applied(), UptimeSeconds: uptime.Seconds(),
		HeapBytes: mem.HeapAlloc, Goroutines: uint32(runtime.NumGoroutine()), Suspects: r.Suspects(),
	}
	if leader == r.Node {
		r.Own.take(report)
		return true
	}
	conn, err := r.To(leader)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, reportLimit)
	defer cancel()
	_, _ = api.NewTelemetryClient(conn).Report(ctx, report) // that reports stay away is what the leader looks for
	return true
}

// Reports is the latest health report of each node, at the node that they are
// sent to. The zero value is ready.
type Reports struct {
	api.UnimplementedTelemetryServer
	mu   sync.Mutex
	last map[string]Received
}

// Received is a report and when it came.
type Received struct {
	*api.HealthReport
	At time.Time
}

// Report implements api.TelemetryServer.
func (r *Reports) Report(_ context.Context, h *api.HealthReport) (*api.ReportReply, error) {
	r.take(h)
	return &api.ReportReply{}, nil
}

func (r *Reports) take(h *api.HealthReport) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil {
		r.last = map[string]Received{}
	}
	r.last[h.Node] = Received{h, time.Now()}
}

// Latest returns the latest report of each node that has sent any.
func (r *Reports) Latest() map[string]Received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.last)
}
