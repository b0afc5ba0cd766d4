package builtin

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/file"
)

// Job is a plan to run, the target that it is for, and the text of the file that it came from.
type Job struct {
	Plan   scenarios.Plan
	Target targets.Target
	Source []byte
}

// Read makes a job of a scenario, named from the library or by the path of a
// file. Seed 0 means the scenario's own, or a drawn one. Changes are made before
// defaults and choices are resolved. The error is a mistake of the file or the name.
func Read(pathOrName string, seed uint64, changes ...func(*scenarios.Scenario)) (Job, error) {
	return ReadFor(nil, pathOrName, seed, changes...)
}

// ReadFor is Read for a scenario whose target may be one of the caller's own.
func ReadFor(own []targets.Target, pathOrName string, seed uint64, changes ...func(*scenarios.Scenario)) (Job, error) {
	s, source, err := scenarios.LoadSource(pathOrName)
	if err != nil {
		return Job{}, err
	}
	return jobOf(own, pathOrName, s, source, seed, changes)
}

// ReadAll is ReadFor for every scenario that a file with a matrix makes. They share the seed.
func ReadAll(own []targets.Target, pathOrName string, seed uint64, changes ...func(*scenarios.Scenario)) ([]Job, error) {
	all, source, err := scenarios.LoadAll(pathOrName)
	if err != nil {
		return nil, err
	}
	var out []Job
	for _, s := range all {
		j, err := jobOf(own, pathOrName, s, source, seed, changes)
		if err != nil {
			return nil, err
		}
		seed = j.Plan.Seed
		out = append(out, j)
	}
	return out, nil
}

// jobOf makes a job of a scenario that was read from a path or from the library.
func jobOf(own []targets.Target, from string, s scenarios.Scenario, source []byte, seed uint64, changes []func(*scenarios.Scenario)) (Job, error) {
	for _, change := range changes {
		change(&s)
	}
	if strings.HasSuffix(s.Target, file.Suffix) {
		t, err := targetBeside(from, s)
		if err != nil {
			return Job{}, err
		}
		own, s.Target = append(own, t), t.Name()
	}
	p, target, err := resolve(s, seed, own...)
	if err != nil {
		return Job{}, err
	}
	return Job{Plan: p, Target: target, Source: source}, nil
}

// targetBeside loads the target file that a scenario names. It must be in the scenario's
// own folder: a scenario names no path of the host, and its target starts programs.
func targetBeside(scenario string, s scenarios.Scenario) (*file.Target, error) {
	if filepath.Base(s.Target) != s.Target {
		return nil, s.Diagnostic("target", fmt.Sprintf("%q is a path: name a file in the scenario's own folder, or give it with --target", s.Target), "")
	}
	t, err := file.Load(filepath.Join(filepath.Dir(scenario), s.Target))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.Diagnostic("target", fmt.Sprintf("there is no file %s beside the scenario", s.Target), "")
	}
	return t, err
}

// Resolve makes a plan of a scenario on the topology of its target, which is
// one of the caller's own or of the stock.
func Resolve(s scenarios.Scenario, seed uint64, own ...targets.Target) (scenarios.Plan, error) {
	p, _, err := resolve(s, seed, own...)
	return p, err
}

func resolve(s scenarios.Scenario, seed uint64, own ...targets.Target) (scenarios.Plan, targets.Target, error) {
	target, err := Target(s.Target, own...)
	if missing, ok := errors.AsType[NotFound](err); ok {
		return scenarios.Plan{}, nil, s.Diagnostic("target", missing.Error(), "")
	}
	s.Load = targets.FitLoad(target, s.Load)
	if unsupported, ok := errors.AsType[targets.UnsupportedLoad](targets.CheckLoad(target, s.Load)); ok {
		return scenarios.Plan{}, nil, s.Diagnostic(unsupported.Field, unsupported.Message, unsupported.Suggestion)
	}
	t, err := target.Topology(s.Topology)
	if err != nil {
		return scenarios.Plan{}, nil, s.Diagnostic("topology", err.Error(), "")
	}
	if err := checkEvents(s, target); err != nil {
		return scenarios.Plan{}, nil, err
	}
	p, err := s.Resolve(t, seed)
	return p, target, err
}

// Stored makes a job of the plan and the scenario file of a stored run, to run it again.
// The programs that a run starts come from its target, never from a record: a plan
// whose topology is not what the target makes of the plan's own spec is refused.
func Stored(plan, source []byte, own ...targets.Target) (Job, error) {
	p, err := scenarios.ReadPlan(plan)
	if err != nil {
		return Job{}, err
	}
	target, err := Target(p.Target, own...)
	if err != nil {
		return Job{}, err
	}
	t, err := target.Topology(p.TopologySpec)
	if err != nil {
		return Job{}, fmt.Errorf("topology: %w", err)
	}
	if err := p.RequireTopology(t); err != nil {
		return Job{}, fmt.Errorf("%w: a stored plan is run again only on the very programs that its target starts today; run its scenario file instead", err)
	}
	return Job{Plan: p, Target: target, Source: source}, nil
}
