package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"time"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	"github.com/onsi/gomega/gbytes"
	"github.com/onsi/gomega/gexec"

	"github.com/mcp-resilience/holdfast/harness/docker"
	"github.com/mcp-resilience/holdfast/harness/drill"
	"github.com/mcp-resilience/holdfast/harness/program"
)

// holdfast is the path of the command line, built once.
var holdfast string

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	bin, err := program.Package(ctx, program.Module+"/cmd/holdfast")
	Expect(err).NotTo(HaveOccurred())
	return []byte(bin)
}, func(bin []byte) { holdfast = string(bin) })

// child is a `holdfast run` as a user would start it.
type child struct {
	*gexec.Session
	runs string // its folder of run directories
}

// start runs a scenario of its own text as a child process. Whatever the spec
// does to it, it is gone when the spec ends.
func start(runtime, scenario string) *child {
	GinkgoHelper()
	if runtime == docker.Name && engine != nil && !drill.Required() {
		Skip(engine.Error())
	}
	dir := GinkgoT().TempDir()
	file := filepath.Join(dir, "scenario.yaml")
	Expect(os.WriteFile(file, []byte(scenario), 0o644)).To(Succeed())
	c := &child{runs: filepath.Join(dir, "runs")}
	cmd := exec.Command(holdfast, "run", file, "--runtime", runtime, "--runs", c.runs)
	var err error
	c.Session, err = gexec.Start(cmd, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { c.Session.Kill().Wait(10 * time.Second) })
	return c
}

// said waits until the child has printed a line that matches, on standard error.
func (c *child) said(ctx SpecContext, pattern string) {
	GinkgoHelper()
	Eventually(ctx, func() (*gbytes.Buffer, error) {
		if c.ExitCode() >= 0 && c.ExitCode() != 0 {
			return c.Err, StopTrying("it exited")
		}
		return c.Err, nil
	}).WithTimeout(time.Minute).Should(gbytes.Say(pattern))
}

// run is the id of its only run.
func (c *child) run() string {
	GinkgoHelper()
	dirs, err := os.ReadDir(c.runs)
	Expect(err).NotTo(HaveOccurred())
	Expect(dirs).To(HaveLen(1))
	return dirs[0].Name()
}

// dir is the directory of its only run.
func (c *child) dir() string { return filepath.Join(c.runs, c.run()) }
