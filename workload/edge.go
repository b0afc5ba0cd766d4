package workload

import "github.com/mcp-resilience/holdfast/history"

// localRead makes op a read that the client's own region must answer whatever it
// can reach: of a register or of a setting, asked to be stale, or of who its
// token says it is.
func (s *opGenerator) localRead(op *history.Op) {
	op.Kind, op.Stale = history.Read, true
	switch s.rng.IntN(3) {
	case 0:
		op.Key = history.LocalReadSetting
	case 1:
		op.Key = history.LocalReadToken
	default:
		op.Key, _ = s.keys.register(s.rng)
	}
}
