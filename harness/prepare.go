package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/harness/cluster"
	"github.com/mcp-resilience/holdfast/harness/history"
	"github.com/mcp-resilience/holdfast/harness/program"
	"github.com/mcp-resilience/holdfast/harness/record"
	"github.com/mcp-resilience/holdfast/harness/topology"
	"github.com/mcp-resilience/holdfast/harness/watchdog"
	"github.com/mcp-resilience/holdfast/harness/workload"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// run is one execution of a plan while it goes on.
type run struct {
	chronicle
	plan    scenarios.Plan
	o       Options
	guard   *watchdog.Guardian
	history *history.Recorder
	scratch string // nodes' data, removed at the end
	linkd   string // path of its binary

	cluster  *cluster.Cluster
	clients  map[topology.Region][]workload.Client
	narrator sync.WaitGroup
	hush     context.CancelFunc // ends the narration
	unplug   func() error       // ends the measuring and tracing; nil before it began
}

// prepare makes the run's directory and its watchdog; nothing runs yet.
func prepare(ctx context.Context, p scenarios.Plan, o Options) (_ *run, err error) {
	if o.Root == "" {
		o.Root = "runs"
	}
	clock := history.NewClock()
	meta := record.Meta{
		ID:       record.NewID(clock.Started(), p.Scenario, rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))),
		Scenario: p.Scenario, Description: p.Description, Target: p.Target,
		Runtime: o.Runtime.Name, RuntimeWhy: o.RuntimeWhy,
		Started: clock.Started(), Seed: p.Seed, Topology: p.Topology,
		Objectives: p.Objectives, Expect: p.Expect, Breaks: p.Breaks,
		Versions: map[string]string{"go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH},
	}
	dir, err := record.Create(o.Root, meta)
	if err != nil {
		return nil, err
	}
	r := &run{plan: p, o: o}
	r.chronicle = chronicle{
		clock: clock, dir: dir, watch: o.Watch, meter: newMeter(latencyLimit),
		record: &record.Run{Meta: meta},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.abandon(err))
		}
	}()
	if err := r.keepPlan(); err != nil {
		return nil, err
	}
	if r.history, err = history.NewRecorder(dir.History()); err != nil {
		return nil, err
	}
	if r.scratch, err = watchdog.Scratch(meta.ID); err != nil {
		return nil, fmt.Errorf("folder for the nodes' data: %w", err)
	}
	r.enter(record.Starting, record.Never)
	r.say("build", "the programs of %d nodes, unless they are built already (the first time takes a while)", len(p.Topology.Nodes))
	dog, linkd, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	r.linkd = linkd
	if r.guard, err = watchdog.Start(ctx, meta.ID, dog); err != nil {
		return nil, err
	}
	return r, nil
}

// abandon closes what prepare had opened when it failed. The directory stays,
// and says why there is no more in it.
func (r *run) abandon(why error) error {
	r.broke(why.Error())
	var err error
	if r.history != nil {
		err = r.history.Close()
	}
	if r.scratch != "" {
		err = errors.Join(err, os.RemoveAll(r.scratch))
	}
	return errors.Join(err, r.dir.Close())
}

func (r *run) keepPlan() error {
	plan, err := json.Marshal(r.plan)
	if err != nil {
		return fmt.Errorf("save plan: %w", err)
	}
	r.record.Plan = plan
	if r.o.Source != nil {
		if err := r.dir.Scenario(r.o.Source); err != nil {
			return err
		}
	}
	return r.dir.Plan(r.record.Plan)
}

// start brings the system up: binaries, pods, links, nodes, then clients, and
// waits until each region is served.
func (r *run) start(ctx context.Context) error {
	spec := cluster.Spec{
		Run: r.record.ID, Topology: r.plan.Topology, Dir: r.scratch, Secret: cluster.NewSecret(),
		Binary: program.For(r.o.Runtime.OS).Build, Linkd: r.linkd, Journal: r.guard.Journal(),
	}
	rt, err := r.o.Runtime.Open(ctx, spec)
	if err != nil {
		return fmt.Errorf("open runtime %s: %w", r.o.Runtime.Name, err)
	}
	r.say("start", "%d nodes on runtime %s", len(r.plan.Topology.Nodes), r.o.Runtime.Name)
	r.cluster, err = cluster.Start(ctx, rt, spec, func(s string) {
		r.emit(record.Event{Source: record.FromMesh, Kind: "notice", Says: s})
	})
	if err != nil {
		return err
	}
	if v, ok := rt.(interface{ Versions() map[string]string }); ok {
		r.change(func(run *record.Run) {
			for name, version := range v.Versions() {
				run.Versions[name] = version
			}
		})
	}
	if o, ok := r.o.Target.(targets.Operated); ok {
		r.cluster.Operator = o.Operator(r.cluster)
	}
	if err := r.able(); err != nil {
		return err
	}
	r.say("started", "every node and link is up")
	r.narrate(ctx)
	if r.unplug, err = r.instrument(ctx); err != nil {
		return err
	}
	if err := r.connect(ctx); err != nil {
		return err
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	if err := r.openStream(ctx); err != nil {
		return err
	}
	return r.openBank(ctx)
}

// narrate writes the platform's own events down until the run ends.
func (r *run) narrate(ctx context.Context) {
	n, ok := r.o.Target.(targets.Narrator)
	ctx, r.hush = context.WithCancel(context.WithoutCancel(ctx))
	if !ok {
		return
	}
	r.narrator.Go(func() {
		n.Narrate(ctx, r.cluster, r.platform)
	})
}

// connect makes every region's clients.
func (r *run) connect(ctx context.Context) error {
	r.clients = map[topology.Region][]workload.Client{}
	for _, region := range r.plan.Topology.Regions() {
		for id := range r.plan.Load.Clients {
			c, err := r.o.Target.Client(ctx, r.cluster, region, id)
			if err != nil {
				return fmt.Errorf("client %d of region %s: %w", id, region, err)
			}
			r.clients[region] = append(r.clients[region], c)
		}
	}
	return nil
}

// ready waits until every client of every region has written and read, and
// until every node has shown what was written: one that never served would make
// any fault on it a harmless one.
func (r *run) ready(ctx context.Context) error {
	g, gctx := errgroup.WithContext(ctx)
	for region, clients := range r.clients {
		for i, c := range clients {
			key := r.plan.Load.Key(fmt.Sprintf("ready.%s.%d", region, i))
			g.Go(func() error {
				err := poll(gctx, readyLimit, func(ctx context.Context) error {
					return r.markAndSee(ctx, c, c, key, key)
				})
				if err != nil {
					return fmt.Errorf("client %d of region %s is not served: %w", i, region, err)
				}
				return nil
			})
		}
	}
	writers := slices.Concat(r.allClients()...)
	if r.plan.Load.Edge > 0 {
		g.Go(func() error {
			err := poll(gctx, readyLimit, func(ctx context.Context) error {
				return r.markAndSee(ctx, writers[0], writers[0], history.EdgeSetting, history.EdgeSetting)
			})
			if err != nil {
				return fmt.Errorf("the setting that edge reads ask for cannot be set: %w", err)
			}
			return nil
		})
	}
	for i, n := range r.plan.Topology.Nodes {
		if n.Spare {
			continue // its clients are served, though by others
		}
		g.Go(func() error {
			reader, err := r.o.Target.Reader(gctx, r.cluster, n.ID)
			if err != nil {
				return fmt.Errorf("reader through %s: %w", n.ID, err)
			}
			defer reader.Close()
			key := r.plan.Load.Key("ready." + string(n.ID))
			err = poll(gctx, readyLimit, func(ctx context.Context) error {
				return r.markAndSee(ctx, writers[i%len(writers)], reader, key, key)
			})
			if err != nil {
				return fmt.Errorf("node %s does not serve: %w", n.ID, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	r.say("ready", "every client is served, and every node serves")
	return nil
}

// openBank opens the accounts that transfers are to move money between. It is on
// record, ahead of all that was due, for what the balances were to begin with.
func (r *run) openBank(ctx context.Context) error {
	if r.plan.Load.Mix.Transfer == 0 {
		return nil
	}
	g := workload.Generator{Load: r.plan.Load, Now: r.now}
	clients := slices.Concat(r.allClients()...)
	err := poll(ctx, readyLimit, func(ctx context.Context) error {
		op := workload.Opening()
		op.Intended, op.Region = record.Never, r.plan.Topology.Regions()[0]
		if op = g.Attempt(ctx, clients[0], op); op.Outcome != history.OK {
			return fmt.Errorf("%s: %s", op.Outcome, op.Error)
		}
		r.history.Record(op)
		return nil
	})
	if err != nil {
		return fmt.Errorf("open the bank that transfers need: %w", err)
	}
	return nil
}

// markAndSee writes a value with one client and reads it back with another.
// Such operations are the engine's own and stay out of the history.
func (r *run) markAndSee(ctx context.Context, writer, reader workload.Client, key, value string) error {
	g := workload.Generator{Load: r.plan.Load, Now: r.now}
	write, read := history.Write, history.Read
	if r.plan.Load.SetsOnly() {
		write, read = history.Add, history.Members
	}
	w := g.Attempt(ctx, writer, history.Op{Kind: write, Key: key, Value: value})
	if w.Outcome != history.OK {
		return fmt.Errorf("%s %s: %s: %s", write, key, w.Outcome, w.Error)
	}
	got := g.Attempt(ctx, reader, history.Op{Kind: read, Key: key})
	if got.Outcome != history.OK || (got.Output != value && !slices.Contains(got.Set, value)) {
		return fmt.Errorf("%s %s: %s %q %v: %s", read, key, got.Outcome, got.Output, got.Set, got.Error)
	}
	return nil
}

// sample measures every link for the record.
func (r *run) sample(ctx context.Context, when string) {
	ctx, cancel := context.WithTimeout(ctx, feltLimit)
	defer cancel()
	m := record.Matrix{When: when, At: r.now()}
	for _, s := range r.cluster.Mesh.Matrix(ctx) {
		sample := record.LinkSample{Link: s.Link, RTT: s.RTT}
		if s.Err != nil {
			sample.Error = s.Err.Error()
		}
		m.Links = append(m.Links, sample)
	}
	r.change(func(run *record.Run) {
		run.Matrices = append(run.Matrices, m)
		if err := r.dir.Links(run.Matrices); err != nil && r.saveErr == nil {
			r.saveErr = err
		}
	})
}

// saveLogs keeps what each node wrote.
func (r *run) saveLogs(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range r.plan.Topology.Nodes {
		g.Go(func() (err error) {
			defer func() {
				if err != nil {
					err = fmt.Errorf("keep log of %s: %w", n.ID, err)
				}
			}()
			logs, err := r.cluster.Process(n.ID).Logs(ctx)
			if err != nil {
				return err
			}
			defer logs.Close()
			f, err := os.Create(r.dir.NodeLog(n.ID))
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(f, logs)
			return err
		})
	}
	return g.Wait()
}
