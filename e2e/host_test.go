package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"

	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/cluster/local"
	"github.com/mcp-resilience/holdfast/record"
)

// A fault that lasts until somebody puts an end to the run.
const endless = `
name: endless
description: Two nodes are cut off and one is stopped, and nobody comes to help.
baseline: 1s
steps:
  - {at: 0s, for: 10m, fault: partition, on: {region: east}, to: {region: north}}
  - {at: 1s, for: 10m, fault: pause, on: {region: south}}
`

// A fault that nobody needs to recover from.
const brief = `
name: brief
description: The smallest region's clock stops for two seconds.
baseline: 2s
steps:
  - {at: 0s, for: 2s, fault: pause, on: {region: south}}
observe: 30s
`

// removedWithin is the promise of the watchdog.
const removedWithin = 10 * time.Second

// byNight labels a spec that make nightly runs and make test does not.
func byNight(yes bool) string {
	if yes {
		return "nightly"
	}
	return "daily"
}

var _ = Describe("the machine that runs a drill", func() {
	BeforeEach(func() {
		if runtime.GOOS != "linux" {
			Skip("what a process left is looked for in /proc, which only Linux has")
		}
	})
	It("is healed and clean when Ginkgo is interrupted in the middle of a fault", Label("full", local.Name), func(ctx SpecContext) {
		c := suite(ctx)
		c.awaitOutput(ctx, c.Out, `fault +requested`)
		run := c.run()
		Expect(leftovers(ctx, run)).NotTo(BeEmpty())
		c.Interrupt()
		Eventually(ctx, c.Exited).WithTimeout(time.Minute).Should(BeClosed())
		Expect(c.ExitCode()).NotTo(BeZero())
		Expect(leftovers(ctx, run)).To(BeEmpty())
		kept, err := record.Load(c.dir())
		Expect(err).NotTo(HaveOccurred())
		Expect(kept.AbortReason).To(ContainSubstring("interrupted"))
	}, SpecTimeout(4*time.Minute), GracePeriod(cleanLimit))

	for _, rt := range []string{docker.Name, local.Name} {
		It("is clean within 10 s of a kill -9 in the middle of a fault, on "+rt, Label("full", rt), func(ctx SpecContext) {
			c := start(rt, endless)
			c.awaitOutput(ctx, c.Err, `probe +active: .*`)
			c.awaitOutput(ctx, c.Err, `pause`)
			run := c.run()
			Expect(leftovers(ctx, run)).NotTo(BeEmpty(), "a run under way is found")
			c.Signal(syscall.SIGKILL)
			Eventually(ctx, leftovers).WithArguments(run).WithTimeout(removedWithin).Should(BeEmpty())
			kept, err := record.Load(c.dir())
			Expect(err).NotTo(HaveOccurred())
			Expect(kept.Faults).NotTo(BeEmpty(), "the partial record can be read")
		}, SpecTimeout(2*time.Minute), GracePeriod(cleanLimit))

		It("is cleaned by hand when the watchdog was killed too, on "+rt, Label("full", rt, byNight(rt == local.Name)), func(ctx SpecContext) {
			c := start(rt, endless)
			c.awaitOutput(ctx, c.Err, `probe +active: `)
			run := c.run()
			dogs := processesOfProgram("watchdog", run)
			Expect(dogs).To(HaveLen(1))
			Expect(syscall.Kill(dogs[0], syscall.SIGKILL)).To(Succeed())
			c.Signal(syscall.SIGKILL)
			Eventually(ctx, c.Exited).Should(BeClosed())
			Expect(leftovers(ctx, run)).NotTo(BeEmpty())
			out, err := exec.CommandContext(ctx, holdfast, "clean").CombinedOutput()
			Expect(err).NotTo(HaveOccurred(), string(out))
			Expect(string(out)).To(ContainSubstring(run))
			Eventually(ctx, leftovers).WithArguments(run).WithTimeout(removedWithin).Should(BeEmpty())
		}, SpecTimeout(2*time.Minute), GracePeriod(cleanLimit))

		It("is healed and clean after Ctrl-C, with the partial record kept, on "+rt, Label("full", rt, byNight(rt == local.Name)), func(ctx SpecContext) {
			c := start(rt, endless)
			c.awaitOutput(ctx, c.Err, `probe +active: `)
			run := c.run()
			c.Interrupt()
			c.awaitOutput(ctx, c.Err, `healing faults`)
			Eventually(ctx, c.Exited).WithTimeout(30 * time.Second).Should(BeClosed())
			Expect(c.ExitCode()).To(Equal(130))
			Expect(leftovers(ctx, run)).To(BeEmpty())
			kept, err := record.Load(c.dir())
			Expect(err).NotTo(HaveOccurred())
			Expect(kept.AbortReason).To(ContainSubstring("interrupted"))
			Expect(kept.Result.Verdict).To(Equal(record.Unknown))
			Expect(c.dir() + "/report.html").To(BeAnExistingFile())
		}, SpecTimeout(2*time.Minute), GracePeriod(cleanLimit))

		It("takes two runs at once, and clean harms neither, on "+rt, Label("full", rt, "nightly"), Serial, func(ctx SpecContext) {
			one, other := start(rt, brief), start(rt, brief)
			one.awaitOutput(ctx, one.Err, `probe +active: `)
			out, err := exec.CommandContext(ctx, holdfast, "clean").CombinedOutput()
			Expect(err).NotTo(HaveOccurred(), string(out))
			for _, c := range []*child{one, other} {
				Eventually(ctx, c.Exited).WithTimeout(90 * time.Second).Should(BeClosed())
				Expect(c.ExitCode()).To(BeZero(), string(c.Out.Contents()))
				Expect(leftovers(ctx, c.run())).To(BeEmpty())
			}
			Expect(one.run()).NotTo(Equal(other.run()))
		}, SpecTimeout(3*time.Minute), GracePeriod(cleanLimit))
	}
})

// processesOfProgram narrows processesOf to processes of one program, by how it was called:
// the file itself may have been replaced by a newer build meanwhile.
func processesOfProgram(name, run string) []int {
	var out []int
	for _, pid := range processesOf(run) {
		args, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
		called, _, _ := strings.Cut(string(args), "\x00")
		if err == nil && filepath.Base(called) == name {
			out = append(out, pid)
		}
	}
	return out
}
