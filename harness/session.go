package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// Session is a system under test that runs under load, to be broken on purpose
// and judged. Start makes one, Finish or Close ends it. Its methods may be
// called concurrently.
type Session struct {
	id         string
	options    Options
	dir        *record.Dir
	log        *runLog
	history    *history.Recorder
	system     *system
	load       *loadDriver
	faults     *faultScheduler
	triggers   *triggers
	loadPhases *loadPhases
	crashes    *crashMonitor
	machine    *machineMonitor

	life context.Context // ends when the session must end
	end  context.CancelCauseFunc

	mu       sync.Mutex
	plan     scenarios.Plan // of code: with the steps carried out so far, roles not resolved
	coded    bool           // code drives the session, so that its plan is made of what it did
	baseline time.Duration  // when the baseline began
	loaded   time.Duration  // since when the present load runs undisturbed
	window   *Window        // that is open; nil when none is
	windows  int            // that were opened so far
	timeline time.Duration  // when the phase of faults began; NotReached before
	ended    bool           // somebody is ending the session

	readingBack sync.Mutex // held while the load is off for a read-back

	done   chan struct{} // closed when result and err are set
	result *Result
	err    error
}

// Result is a run that was carried out and judged.
type Result struct {
	*record.Run
	Dir string // its run directory
}

// errClosed is why a session ends that was closed.
var errClosed = errors.New("the session was closed before it was finished")

// Start brings a system up under load and returns once every client is served.
// The error is of the environment: no engine, a node that does not start.
//
// When ctx ends, the session ends: its faults are healed, everything is removed,
// and the record is kept with the verdict unknown. A session that is neither
// finished nor closed is removed by its watchdog once this process is gone.
func Start(ctx context.Context, c Config) (*Session, error) {
	plan, options, err := c.resolve()
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	s, err := open(ctx, plan, options)
	if err != nil {
		return nil, fmt.Errorf("start session: %w", err)
	}
	s.coded = true
	if err := s.begin(s.life); err != nil {
		s.tearDown(s.life, err)
		return nil, fmt.Errorf("start session: %w; what was recorded is in %s", errors.Join(err, s.err), s.dir.Path)
	}
	context.AfterFunc(s.life, func() {
		if s.claim() {
			s.tearDown(s.life, nil)
		}
	})
	return s, nil
}

// open makes the run's directory and its watchdog; nothing runs yet.
func open(ctx context.Context, p scenarios.Plan, o Options) (_ *Session, err error) {
	if o.Root == "" {
		o.Root = "runs"
	}
	if err := targets.CheckLoad(o.Target, p.Load); err != nil {
		return nil, err
	}
	if err := checkTriggers(o.Target, p); err != nil {
		return nil, err
	}
	clock := history.NewClock()
	meta := record.Meta{
		ID:       record.NewID(clock.Started(), p.Scenario, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		Scenario: p.Scenario, Description: p.Description, Target: p.Target,
		Runtime: o.Runtime.Name, RuntimeReason: o.RuntimeWhy,
		Started: clock.Started(), Seed: p.Seed, Topology: p.Topology,
		Objectives: p.Objectives, Expect: p.Expect, ExpectedFailures: record.CanonicalChecks(p.ExpectedFailures), HasRejectionMarks: true, Earlier: o.Earlier,
		Versions: map[string]string{"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH},
	}
	dir, err := record.Create(o.Root, meta)
	if err != nil {
		return nil, err
	}
	s := &Session{id: meta.ID, options: o, dir: dir, plan: p, timeline: record.NotReached, done: make(chan struct{})}
	slo := p.Objectives.SLO(record.SLOParams{})
	stats := newLiveStats(slo)
	feed := newProgressFeed(meta.ID, clock.Now, func() []Rate { return stats.rates(clock.Now()) }, o.Watch)
	s.log = newRunLog(clock, dir, &record.Run{Meta: meta}, feed)
	s.triggers = newTriggers(o.Target, s.log, stats)
	s.system = &system{
		target: o.Target, driver: o.Runtime, topology: p.Topology, log: s.log,
		failingDisks: slices.ContainsFunc(p.Steps, func(step scenarios.Step) bool { return faults.FailsDisks(step.With) }),
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.discard(err))
		}
	}()
	if o.Source != nil {
		if err := dir.Scenario(o.Source); err != nil {
			return nil, err
		}
	}
	if of, ok := o.Target.(targets.Sourced); ok {
		if err := dir.WriteFile(record.TargetFile, of.Source()); err != nil {
			return nil, err
		}
	}
	if err := s.savePlan(p); err != nil {
		return nil, err
	}
	if s.history, err = history.NewRecorder(dir.History()); err != nil {
		return nil, err
	}
	s.loadPhases = &loadPhases{}
	s.load = &loadDriver{pace: s.loadPhases.pace, target: o.Target, plan: p, log: s.log, history: s.history, stats: stats}
	s.log.enter(record.Starting, record.NotReached)
	s.log.notice(record.EventBuild, "the programs of %d nodes, unless they are built already (the first time takes a while)", len(p.Topology.Nodes))
	if err := s.system.prepare(ctx, meta.ID); err != nil {
		return nil, err
	}
	s.life, s.end = context.WithCancelCause(ctx)
	return s, nil
}

// discard closes what open had made when it failed. The directory stays, and
// says why there is no more in it.
func (s *Session) discard(why error) error {
	s.log.abort(why.Error())
	err := s.log.close(func(run *record.Run) { run.Checksummed = true })
	s.log.progress.close()
	if s.history != nil {
		err = errors.Join(err, s.history.Close())
	}
	return errors.Join(err, s.dir.WriteChecksums(), s.system.discard(), s.dir.Close())
}

// savePlan keeps the plan in the record.
func (s *Session) savePlan(p scenarios.Plan) error {
	plan, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	s.log.change(func(run *record.Run) { run.Plan = plan })
	return s.dir.Plan(json.RawMessage(plan))
}

// begin brings the system up and puts it under load, and begins the baseline.
func (s *Session) begin(ctx context.Context) error {
	if err := s.system.start(ctx, s.id); err != nil {
		return err
	}
	c := s.system.cluster
	if err := checkRequirements(c, s.plan.Steps); err != nil {
		return err
	}
	s.log.notice(record.EventStarted, "every node and link is up")
	if err := s.system.watch(ctx, s.dir); err != nil {
		return err
	}
	s.load.cluster = c
	var err error
	if s.machine, err = startMachineMonitor(ctx, c, s.dir, s.log); err != nil {
		return err
	}
	s.faults = newFaultScheduler(s.life, s.options.Target, c, s.system.watchdog.Log(), s.log, s.machine.slowdown)
	s.faults.blastRadius = s.plan.BlastRadius
	for _, step := range []func(context.Context) error{s.load.connect, s.load.waitReady, s.load.openStream, s.load.seedAccounts} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	s.crashes = startCrashMonitor(ctx, c, s.log)
	recordLinks(ctx, c, s.log, "before")
	s.load.closedLoop(ctx)
	if _, err := s.load.start(ctx); err != nil {
		return err
	}
	l := s.plan.Load
	s.log.notice(record.EventLoad, "%d reads and %d writes a second from each of %d regions", l.Reads, l.Writes, len(c.Topology.Regions()))
	if err := s.load.warmUp(ctx); err != nil {
		return err
	}
	s.log.enter(record.Baseline, s.plan.Baseline)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.baseline = s.log.now()
	s.loaded = s.baseline
	return nil
}

// Baseline returns once the load has run for Config.Baseline since the session
// or the open window began, so that what a
// fault does can be compared with it. Inject waits for it by itself.
func (s *Session) Baseline(ctx context.Context) error {
	ctx, cancel := joinContexts(ctx, s.life)
	defer cancel()
	s.mu.Lock()
	until := s.loaded + s.plan.Baseline
	s.mu.Unlock()
	if err := sleep(ctx, until-s.log.now()); err != nil {
		return fmt.Errorf("measure the baseline: %w", err)
	}
	return nil
}

// enterTimeline begins the phase of faults, planned to last at most d, unless it has begun.
func (s *Session) enterTimeline(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timeline == record.NotReached {
		s.log.enter(record.Faulty, d)
		s.timeline = s.log.now()
	}
}
