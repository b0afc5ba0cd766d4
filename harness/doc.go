// Package harness is the engine: it starts a system, drives it with clients,
// breaks it on purpose, reads everything back and judges. It knows neither
// testing nor Ginkgo nor any system under test by name.
//
// A run is a Session. Code drives it step by step:
//
//	s, err := harness.Start(ctx, harness.Config{Target: t, Runtime: rt})
//	cut, err := s.Inject(ctx, &faults.Isolate{}, topology.Selector{Role: topology.Leader})
//	… // the caller's own code and assertions, while the fault lasts
//	err = cut.Heal(ctx)
//	run, err := s.Finish(ctx)
//
// or a plan does, with Run. Both leave the same record, verdict and report, and
// what code did is recorded as a plan that can be replayed.
//
//	start → baseline → faults → observe → quiesce → read back → stop → judge
//	          load runs ─────────────────┘
//
// The packages drill (for Ginkgo) and gotest (for plain testing) are its faces.
package harness
