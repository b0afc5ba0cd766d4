package faults

import (
	"fmt"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// Entry is a fault of the catalogue.
type Entry struct {
	Name    string
	Doc     string // one sentence
	New     func() Fault
	Example string // a step of a scenario, in YAML
	// Links means that the fault is between nodes, so that a step may have `to`.
	Links bool
	// For is how long a step without `for` lasts; 0 means that `for` must be given.
	For time.Duration
	// Support is how true the fault is on each runtime, by the runtime's name.
	// Where a runtime is missing, it is exact.
	Support map[string]Support
}

// On is how true the fault is on a runtime.
func (e Entry) On(runtime string) Support {
	if s, ok := e.Support[runtime]; ok {
		return s
	}
	return Support{Fidelity: Exact}
}

// Catalogue lists every fault there is.
func Catalogue() []Entry {
	return []Entry{
		{
			Name: "latency", Links: true, Support: everywhere(opensAtOnce),
			Doc:     "Adds a delay to every byte between the victims and the others.",
			New:     func() Fault { return &Latency{} },
			Example: "{at: 0s, for: 10s, fault: latency, on: {region: east}, with: {delay: 100ms, jitter: 20ms}}",
		},
		{
			Name: "bandwidth", Links: true,
			Doc:     "Narrows every connection between the victims and the others.",
			New:     func() Fault { return &Bandwidth{} },
			Example: "{at: 0s, for: 10s, fault: bandwidth, on: {region: east}, with: {rate: 64KB/s}}",
		},
		{
			Name: "loss", Links: true,
			Support: everywhere("TCP alone: what was lost arrives after a retransmission, and opening a connection is never delayed"),
			Doc:     "Loses packets between the victims and the others, as TCP shows it: what was lost arrives a retransmission later.",
			New:     func() Fault { return &Loss{} },
			Example: "{at: 0s, for: 10s, fault: loss, on: {region: east}, to: {region: north}, with: {percent: 10}}",
		},
		{
			Name: "slice", Links: true,
			Doc:     "Writes what passes between the victims and the others in small pieces with pauses.",
			New:     func() Fault { return &Slice{} },
			Example: "{at: 0s, for: 10s, fault: slice, on: {region: east}, with: {size: 64B, delay: 5ms}}",
		},
		{
			Name: "slow-close", Links: true,
			Doc:     "Delays the end of every connection between the victims and the others.",
			New:     func() Fault { return &SlowClose{} },
			Example: "{at: 0s, for: 10s, fault: slow-close, on: {region: east}, with: {delay: 2s}}",
		},
		{
			Name: "partition", Links: true, Support: everywhere(opensAlthough),
			Doc:     "Cuts the links between two sets of nodes, both ways or one way.",
			New:     func() Fault { return &Partition{} },
			Example: "{at: 0s, for: 10s, fault: partition, on: {region: east}, to: {region: north}, with: {mode: hold, direction: to}}",
		},
		{
			Name: "isolate", Support: everywhere(opensAlthough),
			Doc:     "Cuts the victims from all other nodes, with or without their clients.",
			New:     func() Fault { return &Isolate{} },
			Example: "{at: 0s, for: 10s, fault: isolate, on: {region: east}, with: {clients: true}}",
		},
		{
			Name: "flap", Links: true, Support: everywhere(opensAlthough),
			Doc:     "Cuts the links between the victims and the others and lets them carry again, in turn.",
			New:     func() Fault { return &Flap{} },
			Example: "{at: 0s, for: 20s, fault: flap, on: {region: east}, to: {region: north}, with: {down: 500ms, up: 2s}}",
		},
		{
			Name: "stall", Links: true,
			Doc:     "Lets each connection between the victims and the others carry a number of bytes and then no more.",
			New:     func() Fault { return &Stall{} },
			Example: "{at: 0s, for: 10s, fault: stall, on: {region: east}, with: {after: 256B}}",
		},
		{
			Name: "reset-after", Links: true, Support: resetsForwarded,
			Doc:     "Resets each connection between the victims and the others once it has carried a number of bytes.",
			New:     func() Fault { return &ResetAfter{} },
			Example: "{at: 0s, for: 10s, fault: reset-after, on: {region: east}, with: {after: 64KB}}",
		},
		{
			Name: "thundering-herd", Links: true, For: time.Second, Support: resetsForwarded,
			Doc:     "Resets all connections of the clients of the victims' regions, so that all of them connect again at once afterwards.",
			New:     func() Fault { return &ThunderingHerd{} },
			Example: "{at: 0s, fault: thundering-herd, on: {region: east}}",
		},
		{
			Name:    "kill",
			Doc:     "Ends the victims at once (SIGKILL) and starts them again afterwards.",
			New:     func() Fault { return &Kill{} },
			Example: "{at: 0s, for: 10s, fault: kill, on: {role: leader}}",
		},
		{
			Name:    "pause",
			Doc:     "Stops the clock of the victims and lets it go on afterwards.",
			New:     func() Fault { return &Pause{} },
			Example: "{at: 0s, for: 10s, fault: pause, on: {role: leader}}",
		},
		{
			Name:    "signal",
			Doc:     "Ends the victims by a signal of choice and starts them again afterwards.",
			New:     func() Fault { return &Signal{} },
			Example: "{at: 0s, for: 10s, fault: signal, on: {role: leader}, with: {signal: SIGQUIT}}",
		},
		{
			Name:    "crash-loop",
			Doc:     "Kills the victims, starts them again at once, and kills them again each time they have run for a while.",
			New:     func() Fault { return &CrashLoop{} },
			Example: "{at: 0s, for: 20s, fault: crash-loop, on: {role: leader}, with: {up: 2s}}",
		},
		{
			Name: "restart", For: time.Second,
			Doc:     "Asks the victims to stop and starts them again after a second, or as long as `for` says.",
			New:     func() Fault { return &Restart{} },
			Example: "{at: 0s, fault: restart, on: {node: east-1}}",
		},
		{
			Name:    "replace",
			Doc:     "Ends the victims with their disks, removes them from the system, and adds them again empty afterwards.",
			New:     func() Fault { return &Replace{} },
			Example: "{at: 0s, for: 10s, fault: replace, on: {node: north-1}}",
		},
		{
			Name:    "wipe",
			Doc:     "Ends the victims at once, empties their disks, and starts them again afterwards with nothing.",
			New:     func() Fault { return &Wipe{} },
			Example: "{at: 0s, for: 5s, fault: wipe, on: {all: true}}",
		},
		{
			Name: "throttle",
			Support: map[string]Support{
				"local": {Approximate, "without a cgroup of its own, the node is stopped and resumed in turn"},
			},
			Doc:     "Starves the victims of CPU: each may use only a part of a processor.",
			New:     func() Fault { return &Throttle{} },
			Example: "{at: 0s, for: 10s, fault: throttle, on: {region: east}, with: {cpu: 0.1}}",
		},
		{
			Name: "memory",
			Support: map[string]Support{
				"local": {Unsupported, "memory is limited by a cgroup, and the local runtime makes none for it"},
			},
			Doc:     "Leaves the victims only a little more memory than they use, up to their being killed by the kernel.",
			New:     func() Fault { return &Memory{} },
			Example: "{at: 0s, for: 20s, fault: memory, on: {role: leader}, with: {headroom: 8MB}}",
		},
		{
			Name: "slow-disk", Support: diskLayers,
			Doc:     "Makes each read, write and sync of the victims take longer.",
			New:     func() Fault { return &SlowDisk{} },
			Example: "{at: 0s, for: 10s, fault: slow-disk, on: {role: leader}, with: {delay: 200ms}}",
		},
		{
			Name: "disk-full", Support: diskLayers,
			Doc:     "Lets the victims write nothing any more, as on a disk that is full.",
			New:     func() Fault { return &DiskFull{} },
			Example: "{at: 0s, for: 10s, fault: disk-full, on: {role: leader}}",
		},
		{
			Name: "disk-errors", Support: diskLayers,
			Doc:     "Makes a share of the reads, writes and syncs of the victims fail.",
			New:     func() Fault { return &DiskErrors{} },
			Example: "{at: 0s, for: 10s, fault: disk-errors, on: {role: follower}, with: {percent: 20}}",
		},
		{
			Name: "power-loss", Support: powerLosses,
			Doc:     "Ends the victims at once with every write that they had not synced, and starts them again afterwards.",
			New:     func() Fault { return &PowerLoss{} },
			Example: "{at: 0s, for: 5s, fault: power-loss, on: {all: true}}",
		},
		{
			Name:    "corrupt",
			Doc:     "Ends the victims at once, damages a file of each while they are down, and starts them again afterwards.",
			New:     func() Fault { return &Corrupt{} },
			Example: "{at: 0s, for: 5s, fault: corrupt, on: {role: follower}, with: {kind: torn}}",
		},
	}
}

// Find returns the entry of that name; the error suggests the closest one.
func Find(name string) (Entry, error) {
	var names []string
	for _, e := range Catalogue() {
		if e.Name == name {
			return e, nil
		}
		names = append(names, e.Name)
	}
	return Entry{}, InvalidField{"fault", fmt.Sprintf("%q is none of %s", name, strings.Join(names, ", ")), suggest.Closest(name, names)}
}

// New returns the named fault with its zero settings.
func New(name string) (Fault, error) {
	e, err := Find(name)
	if err != nil {
		return nil, err
	}
	return e.New(), nil
}
