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
}

// Catalogue lists every fault there is.
func Catalogue() []Entry {
	return []Entry{
		{
			Name: "latency", Links: true,
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
			Name: "partition", Links: true,
			Doc:     "Cuts the links between two sets of nodes, both ways or one way.",
			New:     func() Fault { return &Partition{} },
			Example: "{at: 0s, for: 10s, fault: partition, on: {region: east}, to: {region: north}, with: {mode: hold, direction: to}}",
		},
		{
			Name:    "isolate",
			Doc:     "Cuts the victims from all other nodes, with or without their clients.",
			New:     func() Fault { return &Isolate{} },
			Example: "{at: 0s, for: 10s, fault: isolate, on: {region: east}, with: {clients: true}}",
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
			Name:    "throttle",
			Doc:     "Starves the victims of CPU: each may use only a part of a processor.",
			New:     func() Fault { return &Throttle{} },
			Example: "{at: 0s, for: 10s, fault: throttle, on: {region: east}, with: {cpu: 0.1}}",
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
