// Package plain is a plain Go test that breaks a system step by step, with its
// own code and assertions in between. It links no test framework.
package plain

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/gotest"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestALostLeaderIsReplaced(t *testing.T) {
	s := gotest.Start(t, harness.Config{ // the reference platform, on the first runtime that works here
		Objectives: record.Objectives{RTO: 10 * time.Second},
	})
	old := s.Leader()

	kill := s.Inject(&faults.Kill{}, topology.Selector{Node: old})
	s.Wait(10*time.Second, "another leader", func(ctx context.Context) error {
		leader, err := s.Session.Leader(ctx)
		if err == nil && leader == old {
			return fmt.Errorf("%s leads, which was killed", old)
		}
		return err
	})
	acknowledged := s.Acknowledged()
	s.Wait(10*time.Second, "further writes", func(context.Context) error {
		if n := s.Acknowledged(); n <= acknowledged {
			return fmt.Errorf("%d writes are acknowledged, as before", n)
		}
		return nil
	})
	kill.Heal()

	run := s.Finish() // fails the test if a promise is broken
	t.Logf("back in %v, %d writes lost of %d: %s", run.Result.RTO.Worst, run.Result.RPO.LostCount, run.Result.RPO.Acked, run.Report())
}
