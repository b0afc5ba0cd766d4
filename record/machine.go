package record

import (
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// MachineFile holds what was measured of the machine that the run was carried
// out on, a MachineSample a line. A run on a system that measures nothing of the kind has none.
const MachineFile = "machine.jsonl.zst"

// MachineSample is what the machine did in the stretch of time before At. Shares are of
// that stretch: 0.25 means for a quarter of it. What could not be measured is 0.
type MachineSample struct {
	At     time.Duration `json:"at"`
	Length time.Duration `json:"length"` // of the stretch
	// CPUPressure is the share in which some task of the machine waited for a processor,
	// IOPressure for a disk, MemoryPressure for memory (Linux, /proc/pressure, "some").
	CPUPressure    float64 `json:"cpuPressure"`
	IOPressure     float64 `json:"ioPressure"`
	MemoryPressure float64 `json:"memoryPressure"`
	// Steal is the share of processor time that the hypervisor gave to others, Busy the
	// share in which a processor worked at all, both over all processors.
	Steal float64 `json:"steal"`
	Busy  float64 `json:"busy"`
	// RunDelay is how long the harness's own threads, taken together, waited for a processor though they could run.
	RunDelay time.Duration `json:"runDelay"`
	// Lag is how much later than due the sampler itself was woken.
	Lag time.Duration `json:"lag"`
	// Sandboxes are the sandboxes with their link proxies, by node; in every fourth sample or so, and nil in the others.
	Sandboxes map[topology.NodeID]SandboxSample `json:"sandboxes,omitempty"`
	// Engine is how long the container engine took to answer; 0 where there is none to ask.
	Engine time.Duration `json:"engine,omitempty"`
}

// SandboxSample is what a sandbox did with the processors in a stretch of time.
type SandboxSample struct {
	Length time.Duration `json:"length"` // of the stretch, which ends with the sample's
	// CPU is how many processors it used: 0.5 is half of one. Waited is how long its threads, taken together, were
	// ready to run and had none, as a share of the stretch; 0 where the runtime cannot tell.
	CPU    float64 `json:"cpu"`
	Waited float64 `json:"waited,omitempty"`
}

// MachineSamples reads those of a run directory; a run without any has none.
// What a crash cut off is left out.
func MachineSamples(dir string) ([]MachineSample, error) {
	return linesOf[MachineSample](dir, MachineFile)
}
