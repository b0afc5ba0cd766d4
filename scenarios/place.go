package scenarios

import "maps"

// Diagnostic is something wrong with a field of the scenario that others find
// out: its target, for example. It says where in the file the field stands.
func (s Scenario) Diagnostic(field, says, nearest string) error {
	src := &source{file: s.Name, at: map[string]place{}}
	if s.source != nil {
		src.file, src.at = s.source.file, maps.Clone(s.source.at)
	}
	src.say(field, says, nearest)
	return src.err()
}
