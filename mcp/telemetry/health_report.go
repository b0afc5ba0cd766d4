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

// reportInterval is how often a node reports, reportRetryInterval how soon it tries again
// when no leader is known, and reportTimeout how long sending a report may take.
const (
	reportInterval      = 5 * time.Second
	reportRetryInterval = 100 * time.Millisecond
	reportTimeout       = 2 * time.Second
)

// Reporter sends a node's health reports to the leader. All fields are required.
type Reporter struct {
	Node, Region string
	Leader       func() string // the leader that the node knows, or ""
	Term         func() uint64
	Applied      func() uint64
	Suspects     func() []string
	Conn         func(name string) (*grpc.ClientConn, error)
	// Local stores this node's own reports while it leads.
	Local *Reports
}

// Run reports every five seconds until ctx ends. A report that is lost is not sent again.
func (r *Reporter) Run(ctx context.Context) {
	began := time.Now()
	for {
		next := reportInterval
		if !r.send(ctx, time.Since(began)) {
			next = reportRetryInterval
		}
		select {
		case <-time.After(next):
		case <-ctx.Done():
			return
		}
	}
}

// send sends a report and returns whether a leader was known.
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
		r.Local.store(report)
		return true
	}
	conn, err := r.Conn(leader)
	if err != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, reportTimeout)
	defer cancel()
	_, _ = api.NewTelemetryClient(conn).Report(ctx, report) // the leader notices missing reports
	return true
}

// Reports holds the latest health report of each node, on the leader. The zero value is
// ready for use.
type Reports struct {
	api.UnimplementedTelemetryServer
	mu   sync.Mutex
	last map[string]Received
}

// Received is a report with the time at which it was received.
type Received struct {
	*api.HealthReport
	At time.Time
}

// Report implements api.TelemetryServer.
func (r *Reports) Report(_ context.Context, h *api.HealthReport) (*api.ReportReply, error) {
	r.store(h)
	return &api.ReportReply{}, nil
}

func (r *Reports) store(h *api.HealthReport) {
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
