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

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/cluster/docker"
	"github.com/mcp-resilience/holdfast/harness/drill"
)

// holdfast is the path of the command line, built once.
var holdfast string

var _ = SynchronizedBeforeSuite(func(ctx SpecContext) []byte {
	bin, err := build.Package(ctx, build.Module+"/cmd/holdfast")
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
	c.begin(exec.Command(holdfast, "run", file, "--runtime", runtime, "--runs", c.runs))
	return c
}

// suite runs the example suite as a child process, on the local runtime.
func suite(ctx SpecContext) *child {
	GinkgoHelper()
	dir := GinkgoT().TempDir()
	binary := filepath.Join(dir, "examples.test")
	out, err := exec.CommandContext(ctx, "go", "test", "-c", "-o", binary, build.Module+"/examples").CombinedOutput()
	Expect(err).NotTo(HaveOccurred(), string(out))
	c := &child{runs: filepath.Join(dir, "runs")}
	cmd := exec.Command(binary, "-ginkgo.v", "-ginkgo.no-color", "-ginkgo.focus=loss of its main region")
	cmd.Env = append(os.Environ(), "HOLDFAST_EXAMPLES=1", "HOLDFAST_RUNS="+c.runs, "DOCKER_HOST=tcp://127.0.0.1:1")
	c.begin(cmd)
	return c
}

func (c *child) begin(cmd *exec.Cmd) {
	GinkgoHelper()
	var err error
	c.Session, err = gexec.Start(cmd, GinkgoWriter, GinkgoWriter)
	Expect(err).NotTo(HaveOccurred())
	DeferCleanup(func() { c.Session.Kill().Wait(10 * time.Second) })
}

// awaitOutput waits until the child has printed something that matches.
func (c *child) awaitOutput(ctx SpecContext, where *gbytes.Buffer, pattern string) {
	GinkgoHelper()
	Eventually(ctx, func() (*gbytes.Buffer, error) {
		if c.ExitCode() > 0 {
			return where, StopTrying("it exited before")
		}
		return where, nil
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
