package scenarios

import "maps"

// Diagnostic is something wrong with a field of the scenario that others find
// out: its target, for example. It says where in the file the field stands.
func (s Scenario) Diagnostic(field, says, nearest string) error {
	src := &diagnosticCollector{file: s.Name, positions: map[string]position{}}
	if s.source != nil {
		src.file, src.positions = s.source.file, maps.Clone(s.source.positions)
	}
	src.report(field, says, nearest)
	return src.err()
}
