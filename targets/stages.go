package targets

import (
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// StageEstimator is a target that knows from its configuration how long the parts of a recovery take at most
// when a leader is lost, on a machine that is free.
type StageEstimator interface {
	ExpectedStages(s topology.Spec) []ExpectedStage
}

// ExpectedStage is a part of a recovery, by the name that budgets have, with the figures that its time follows from.
type ExpectedStage struct {
	Stage  string
	Within time.Duration
	Why    string
}
