package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// removeTimeout bounds the healing and the removal of everything.
	removeTimeout = 60 * time.Second
	// stopTimeout is how long a part of the target may take to return after its
	// context has ended. The run goes on without one that takes longer.
	stopTimeout = 5 * time.Second
)

// system is the system under test while it runs: its nodes and links, and what
// watches them. What it makes is removed by close, or by the watchdog when this
// process ends first.
type system struct {
	target   targets.Target
	driver   cluster.Driver
	topology topology.Topology
	// failingDisks is that some step of the plan acts between a node and its disk.
	failingDisks bool
	log          *runLog

	watchdog *cleanup.Handle
	scratch  string // the nodes' data, removed at the end
	linkd    string // path of the link proxy's program

	cluster *cluster.Cluster
	stops   []func() // end what watches the nodes, in this order
}

// prepare makes this process the owner of the run before it makes anything, builds all
// programs that the run needs, side by side, and starts the watchdog.
func (s *system) prepare(ctx context.Context, run string) (err error) {
	if s.watchdog, err = cleanup.Own(run); err != nil {
		return err
	}
	if s.scratch, err = cleanup.Scratch(run); err != nil {
		return fmt.Errorf("make a folder for the nodes' data: %w", err)
	}
	var programs []topology.Program
	for _, n := range s.topology.Nodes {
		programs = append(programs, n.Program)
	}
	built, err := build.Builder(s.driver.OS).Prepare(s.reportBuilds(ctx), programs)
	if err != nil {
		return err
	}
	s.linkd = built.Linkd
	return s.watchdog.StartWatchdog(ctx, built.Watchdog)
}

// reportBuilds makes the builds under ctx report their progress to the run.
func (s *system) reportBuilds(ctx context.Context) context.Context {
	return build.WithProgress(ctx, func(p build.Progress) { s.log.notice(record.EventBuild, "%s", p) })
}

// start brings nodes and links up.
func (s *system) start(ctx context.Context, run string) error {
	spec := cluster.Spec{
		Run: run, Topology: s.topology, Dir: s.scratch, Secret: cluster.NewSecret(),
		Binary: build.Builder(s.driver.OS).Build, Linkd: s.linkd, CleanupLog: s.watchdog.Log(),
		FailingDisks: s.failingDisks,
	}
	rt, err := s.driver.Open(s.reportBuilds(ctx), spec)
	if err != nil {
		return fmt.Errorf("open runtime %s: %w", s.driver.Name, err)
	}
	s.log.notice(record.EventStart, "%d nodes on runtime %s", len(s.topology.Nodes), s.driver.Name)
	s.cluster, err = cluster.Start(ctx, rt, spec, func(text string) {
		s.log.emit(record.Event{Source: record.FromLinks, Kind: record.EventNotice, Description: text})
	})
	if err != nil {
		return err
	}
	if v, ok := rt.(interface{ Versions() map[string]string }); ok {
		s.log.change(func(run *record.Run) {
			for name, version := range v.Versions() {
				run.Versions[name] = version
			}
		})
	}
	if admin, ok := s.target.(targets.MembershipAdmin); ok {
		s.cluster.MembershipAdmin = admin.MembershipAdmin(s.cluster)
	}
	return nil
}

// watch records what the nodes report of themselves until the system is closed.
func (s *system) watch(ctx context.Context, dir *record.Dir) error {
	s.streamEvents(ctx)
	s.watchLeader(ctx)
	return s.startTelemetry(ctx, dir)
}

// streamEvents records the platform's own events, on the run's clock.
func (s *system) streamEvents(ctx context.Context) {
	source, ok := s.target.(targets.EventSource)
	if !ok {
		return
	}
	s.inBackground(ctx, "source of events", func(ctx context.Context) {
		source.StreamEvents(ctx, s.cluster, func(wall time.Time, e record.Event) {
			e.At, e.Source = s.log.clock.At(wall), record.FromPlatform
			s.log.emit(e)
		})
	})
}

// inBackground runs a part of the target until the system is closed, past the
// end of ctx: what the nodes do while they are healed and stopped belongs to the record.
func (s *system) inBackground(ctx context.Context, name string, part func(context.Context)) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		part(ctx)
	}()
	s.stops = append(s.stops, func() {
		cancel()
		if !endsWithin(done, stopTimeout) {
			s.log.notice(record.EventNotice, "the target's %s did not return within %v of being stopped: the run goes on without it", name, stopTimeout)
		}
	})
}

// close removes what the system made, whatever state it is in.
func (s *system) close(ctx context.Context, run string, dir *record.Dir) (err error) {
	for _, stop := range s.stops {
		stop()
	}
	s.stops = nil
	if s.cluster != nil {
		if lerr := saveLogs(ctx, s.cluster, dir); lerr != nil {
			s.log.notice(record.EventNotice, "%v", lerr)
		}
		err = s.cluster.Close(ctx)
	}
	err = errors.Join(err, s.removeScratch())
	if err != nil {
		// The watchdog stays, and removes what is left once this process is gone.
		return fmt.Errorf("remove run %s: %w; holdfast clean will try again", run, err)
	}
	return s.disown()
}

// discard removes what prepare had made when it failed.
func (s *system) discard() error {
	if err := s.removeScratch(); err != nil {
		return err // the run stays owned, so that holdfast clean finds it later
	}
	return s.disown()
}

func (s *system) removeScratch() error {
	if s.scratch == "" {
		return nil
	}
	return os.RemoveAll(s.scratch)
}

// disown dismisses the watchdog: nothing of the run is left.
func (s *system) disown() error {
	if s.watchdog == nil {
		return nil
	}
	return s.watchdog.Done()
}
