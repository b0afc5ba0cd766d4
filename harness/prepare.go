package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/cleanup"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// run is one execution of a plan while it goes on.
type run struct {
	chronicle
	plan    scenarios.Plan
	o       Options
	guard   *cleanup.Handle
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
		Runtime: o.Runtime.Name, RuntimeReason: o.RuntimeWhy,
		Started: clock.Started(), Seed: p.Seed, Topology: p.Topology,
		Objectives: p.Objectives, Expect: p.Expect, ExpectedFailures: record.CanonicalChecks(p.ExpectedFailures), HasRejectionMarks: true,
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
	if r.scratch, err = cleanup.Scratch(meta.ID); err != nil {
		return nil, fmt.Errorf("folder for the nodes' data: %w", err)
	}
	r.enter(record.Starting, record.NotReached)
	r.say("build", "the programs of %d nodes, unless they are built already (the first time takes a while)", len(p.Topology.Nodes))
	dog, linkd, err := r.build(ctx)
	if err != nil {
		return nil, err
	}
	r.linkd = linkd
	if r.guard, err = cleanup.Start(ctx, meta.ID, dog); err != nil {
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
