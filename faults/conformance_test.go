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

func TestFaultsOnFake(t *testing.T) {
	if raceDetector {
		t.Skip("Toxiproxy, which is in this process here, writes a toxicity (always 1) that its links read: a race, and theirs")
	}
	t.Parallel()
	faultstest.Conformance(t, clustertest.Fake(nil))
}

func TestFaultsOnLocal(t *testing.T) {
	t.Parallel()
	faultstest.Conformance(t, local.Driver())
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
	if os.Getenv("HOLDFAST_NIGHTLY") != "1" {
		faultstest.Promises(t, k) // TestFaultsOnLocal tests the proofs
		return
	}
	faultstest.Conformance(t, k)
}
