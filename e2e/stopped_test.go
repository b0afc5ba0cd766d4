package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/record"
)

// A short drill whose objective the system meets with ease, and a stop of 5 s does not.
const quick = `
name: quick
description: The leader is killed and comes back; service must be back within three seconds.
baseline: 3s
steps:
  - {at: 0s, for: 3s, fault: kill, on: {role: leader}}
observe: 20s
objectives: {rto: 3s}
`

// stops is how many runs are disturbed: HOLDFAST_STOPS, or 9.
func stops() int {
	if n, err := strconv.Atoi(os.Getenv("HOLDFAST_STOPS")); err == nil && n > 0 {
		return n
	}
	return 9
}

// What holdfast's own processes do when somebody stops them is never charged to the system: the runner,
// a link proxy and its supervisor are stopped for up to 5 s, at a random instant of a run each.
var _ = Describe("a part of holdfast that is stopped", Label("nightly", local.Name), Serial, func() {
	for i := range stops() {
		who := []string{"runner", "link proxy", "supervisor"}[i%3]
		It(fmt.Sprintf("leaves no fail behind: %s, run %d", who, i+1), func(ctx SpecContext) {
			random := rand.New(rand.NewPCG(uint64(GinkgoRandomSeed()), uint64(i)))
			c := start(local.Name, quick)
			c.awaitOutput(ctx, c.Err, `phase: baseline`)
			pids := []int{c.Command.Process.Pid}
			if who != "runner" {
				pids = nil
				for _, pid := range processesOfProgram("linkd", c.run()) {
					if proxy := isProxy(pid); proxy == (who == "link proxy") {
						pids = append(pids, pid)
					}
				}
				Expect(pids).NotTo(BeEmpty())
			}
			victim := pids[random.IntN(len(pids))]
			after, length := time.Duration(random.Int64N(int64(9*time.Second))), time.Second+time.Duration(random.Int64N(int64(4*time.Second)))
			By(fmt.Sprintf("stopping %s, process %d, %v after the baseline began, for %v", who, victim, after, length))
			time.Sleep(after)
			if err := syscall.Kill(victim, syscall.SIGSTOP); err == nil { // it may be over
				time.Sleep(length)
				_ = syscall.Kill(victim, syscall.SIGCONT)
			}
			Eventually(ctx, c.Exited).WithTimeout(2 * time.Minute).Should(BeClosed())
			r, err := record.Load(c.dir())
			Expect(err).NotTo(HaveOccurred())
			Expect(r.Result).NotTo(BeNil())
			AddReportEntry("outcome", fmt.Sprintf("%s for %v: %s %s, exit status %d", who, length.Round(100*time.Millisecond), r.Result.Verdict, r.Result.Cause, c.ExitCode()))
			for _, f := range r.Result.Findings {
				Expect(f.Verdict).NotTo(Equal(record.Fail), "%s: %s", f.Check, f.Description)
			}
			Expect(r.Result.Cause).NotTo(Equal(record.CauseSystem))
			Expect(leftovers(ctx, c.run())).To(BeEmpty())
		}, SpecTimeout(4*time.Minute), GracePeriod(cleanLimit))
	}
})

// isProxy says that a process of linkd carries links, and does not supervise the one that does.
func isProxy(pid int) bool {
	args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	return err == nil && slices.Contains(strings.Split(string(args), "\x00"), "proxy")
}
