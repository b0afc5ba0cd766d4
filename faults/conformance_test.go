package faults_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/faults/faultstest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// By day the other runtimes test what this one cannot.
func TestFaultsOnFake(t *testing.T) {
	skipUnderRace(t)
	t.Parallel()
	faultstest.Promises(t, clustertest.Fake(nil))
}

func TestProofsOnFake(t *testing.T) {
	skipUnderRace(t)
	t.Parallel()
	faultstest.Proofs(t, clustertest.Fake(nil))
}

func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceDetector {
		t.Skip("Toxiproxy, which is in this process here, writes a toxicity (always 1) that its links read: a race, and theirs")
	}
}

func TestFaultsOnLocal(t *testing.T) {
	t.Parallel()
	if os.Getenv("HOLDFAST_NIGHTLY") == "1" || raceDetector {
		faultstest.Conformance(t, local.Driver())
		return
	}
	faultstest.ConformanceBeyond(t, local.Driver(), clustertest.Fake(nil))
}

func TestFaultsOnDocker(t *testing.T) {
	t.Parallel()
	k := docker.Driver()
	if err := k.Check(t.Context()); err != nil {
		if os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	if os.Getenv("HOLDFAST_NIGHTLY") == "1" {
		faultstest.Conformance(t, k)
		return
	}
	faultstest.ConformanceBeyond(t, k, clustertest.Fake(nil), local.Driver())
}
