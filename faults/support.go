package faults

// Support is how true a fault is to what happens in the field, on one runtime.
type Support struct {
	Fidelity Fidelity `json:"fidelity"`
	// Why says what differs, or what is missing. It is empty where it is exact.
	Why string `json:"why,omitempty"`
}

// Fidelity is how close a fault comes to the thing itself.
type Fidelity string

// The fidelities.
const (
	Exact       Fidelity = "exact"       // the thing itself, or nothing can tell the difference
	Approximate Fidelity = "approximate" // a program can tell the difference
	// Unsupported is what the runtime cannot do; a run that needs it ends before
	// anything is measured.
	Unsupported Fidelity = "unsupported"
)

func (s Support) String() string {
	if s.Why == "" {
		return string(s.Fidelity)
	}
	return string(s.Fidelity) + ": " + s.Why
}

// Runtimes lists the runtimes that the catalogue makes statements about.
func Runtimes() []string { return []string{"docker", "local"} }

// everywhere is an approximation that all runtimes have in common, since links
// pass the same proxy on each.
func everywhere(why string) map[string]Support {
	out := map[string]Support{}
	for _, r := range Runtimes() {
		out[r] = Support{Approximate, why}
	}
	return out
}

// resetsForwarded is what containers make of the RST of a client's connection.
var resetsForwarded = map[string]Support{
	"docker": {Approximate, "where the engine forwards ports by a proxy of its own, clients see the end of the stream instead of an RST"},
}

// inVolume is why containers have no layer between a node and its disk.
const inVolume = "a container's data are in a volume of the engine, in front of which there is no layer that could fail"

// diskLayers and powerLosses are of faults that need such a layer.
var (
	diskLayers  = map[string]Support{"docker": {Unsupported, inVolume}}
	powerLosses = map[string]Support{
		"docker": {Unsupported, inVolume},
		"local":  {Approximate, "that a file was made, renamed or removed is not taken back"},
	}
)

const (
	opensAtOnce   = "opening a connection is never delayed"
	opensAlthough = "in modes hold and blackhole a connection can still be opened"
)
