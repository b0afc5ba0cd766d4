package workload

import "github.com/mcp-resilience/holdfast/harness/history"

// edge makes op a read that the client's own region must answer whatever it
// can reach: of a register or of a setting, asked to be stale.
func (s *series) edge(op *history.Op) {
	op.Kind, op.Stale = history.Read, true
	if s.rng.IntN(2) == 0 {
		op.Key = history.EdgeSetting
		return
	}
	op.Key, _ = s.keys.register(s.rng)
}
