package builtin

import (
	"errors"
	"io/fs"
	"os"

	"github.com/mcp-resilience/holdfast/scenarios"
	"github.com/mcp-resilience/holdfast/targets"
)

// Job is a plan to run and the text of the file that it came from.
type Job struct {
	Plan   scenarios.Plan
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
	s, err := scenarios.Load(pathOrName)
	if err != nil {
		return Job{}, err
	}
	for _, change := range changes {
		change(&s)
	}
	p, err := Resolve(s, seed, own...)
	if err != nil {
		return Job{}, err
	}
	source, err := scenarios.Source(pathOrName)
	if errors.Is(err, fs.ErrNotExist) {
		source, err = os.ReadFile(pathOrName)
	}
	return Job{Plan: p, Source: source}, err
}

// Resolve makes a plan of a scenario on the topology of its target, which is
// one of the caller's own or of the stock.
func Resolve(s scenarios.Scenario, seed uint64, own ...targets.Target) (scenarios.Plan, error) {
	target, err := Target(s.Target, own...)
	if missing, ok := errors.AsType[NotFound](err); ok {
		return scenarios.Plan{}, s.Diagnostic("target", missing.Error(), "")
	}
	t, err := target.Topology(s.Topology)
	if err != nil {
		return scenarios.Plan{}, s.Diagnostic("topology", err.Error(), "")
	}
	return s.Resolve(t, seed)
}
