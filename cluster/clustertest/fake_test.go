package clustertest_test

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFakeConforms(t *testing.T) { clustertest.Conformance(t, clustertest.Fake(nil), nil) }
