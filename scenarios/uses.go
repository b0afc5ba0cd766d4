package scenarios

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/topology"
	"github.com/mcp-resilience/holdfast/workload"
)

// sharedFile is a file that scenarios use for what they have in common.
type sharedFile struct {
	Topology topology.Spec `yaml:"topology"`
	Load     workload.Load `yaml:"load"`
}

// opener reads a file beside the scenario; nil for a scenario that was not read from a file.
type opener func(name string) ([]byte, error)

var sharedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*\.ya?ml$`)

// openBeside opens files in the folder of the scenario, and nowhere else: links that lead out of it are not followed.
func openBeside(scenario string) opener {
	return func(name string) ([]byte, error) {
		root, err := os.OpenRoot(filepath.Dir(scenario))
		if err != nil {
			return nil, fmt.Errorf("open the folder of the scenario: %w", err)
		}
		defer root.Close()
		f, err := root.Open(name)
		if err != nil {
			return nil, fmt.Errorf("open %s: %w", name, err)
		}
		defer f.Close()
		if st, err := f.Stat(); err != nil || !st.Mode().IsRegular() {
			return nil, errors.Join(fmt.Errorf("%s is no file", name), err)
		}
		return io.ReadAll(io.LimitReader(f, maxFile+1))
	}
}

// useShared takes the topology and the load of the file that the scenario uses, where it has none of its own.
func (s *Scenario) useShared(own *yamlfile.Source, c *combination, open opener) {
	if s.Uses == "" {
		return
	}
	switch {
	case !sharedName.MatchString(s.Uses):
		own.Report("uses", fmt.Sprintf("%q is no name of a file beside the scenario, such as wan.yaml", s.Uses), "")
		return
	case open == nil:
		own.Report("uses", "is only for scenarios that are read from a file", "")
		return
	}
	data, err := open(s.Uses)
	if err != nil {
		own.Report("uses", err.Error(), "")
		return
	}
	var shared sharedFile
	src := yamlfile.Decode(filepath.Join(filepath.Dir(own.File()), s.Uses), data, &shared, c.options())
	if src.Err() == nil {
		validateTopology(src, shared.Topology)
		validateLoad(src, shared.Load)
	}
	if src.Err() != nil {
		own.Add(src)
		return
	}
	if !own.Given("topology") {
		s.Topology = shared.Topology
	}
	if !own.Given("load") {
		s.Load = shared.Load
	}
}
