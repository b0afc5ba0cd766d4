package scenarios

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

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
func (s *Scenario) useShared(d decoder, open opener) {
	if s.Uses == "" {
		return
	}
	switch {
	case !sharedName.MatchString(s.Uses):
		d.report("uses", fmt.Sprintf("%q is no name of a file beside the scenario, such as wan.yaml", s.Uses), "")
		return
	case open == nil:
		d.report("uses", "is only for scenarios that are read from a file", "")
		return
	}
	data, err := open(s.Uses)
	if err != nil {
		d.report("uses", err.Error(), "")
		return
	}
	src := &diagnosticCollector{file: filepath.Join(filepath.Dir(d.file), s.Uses), positions: map[string]position{}}
	if len(data) > maxFile {
		src.report("", fmt.Sprintf("is longer than %d KiB", maxFile>>10), "")
	}
	var shared sharedFile
	in := decoder{src, d.combination}
	if body := in.parseDocument(data); body != nil {
		in.decodeBody(body, &shared)
	}
	if len(src.diagnostics) == 0 {
		validateTopology(src, shared.Topology)
		validateLoad(src, shared.Load)
	}
	if len(src.diagnostics) > 0 {
		d.diagnostics = append(d.diagnostics, src.diagnostics...)
		return
	}
	if !d.inFile("topology") {
		s.Topology = shared.Topology
	}
	if !d.inFile("load") {
		s.Load = shared.Load
	}
}
