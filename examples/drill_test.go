// Package examples is what a team's own drill looks like. It is compiled with
// everything else and runs on request:
//
//	HOLDFAST_EXAMPLES=1 go test ./examples -v
package examples

import (
	"os"
	"testing"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	. "github.com/mcp-resilience/holdfast/harness/drill"
)

func TestMyPlatform(t *testing.T) {
	if os.Getenv("HOLDFAST_EXAMPLES") == "" {
		t.Skip("drills take half a minute each: set HOLDFAST_EXAMPLES=1 to run them")
	}
	RegisterFailHandler(Fail)
	RunSpecs(t, "my platform")
}

var _ = It("survives the loss of its main region", func(ctx SpecContext) {
	run := Run(ctx, "lose-main-region") // or the path of a scenario file of your own
	Expect(run).To(RecoverWithin(30 * time.Second))
	Expect(run).To(LoseNothing())
	Expect(run).To(BeLinearizable())
	Expect(run).To(StayAvailable(0.9))
}, SpecTimeout(3*time.Minute), GracePeriod(time.Minute))
