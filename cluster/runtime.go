// Package cluster is a running topology: nodes as processes, links between them
// as a mesh. It starts them, ends and pauses them on behalf of several faults at
// a time, and finds out what has failed by itself.
//
// What starts processes is a Runtime; docker, local and the fake of clustertest
// are its implementations, and clustertest holds their conformance suite. The
// package knows no system under test and no fault: who leads, how clients talk
// and what is to be broken are handed in or built on top.
package cluster

import (
	"context"
	"crypto/rand"
	"io"
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// Runtime starts the nodes of one run and removes them all.
type Runtime interface {
	// StartSandbox starts the node's pod: its address and its linkd. It is called once
	// for each node, in parallel, before any Start.
	StartSandbox(ctx context.Context, n topology.Node) (Sandbox, error)
	// Start runs the node's program in its pod.
	Start(ctx context.Context, n topology.Node) (Process, error)
	// Close removes everything that the runtime made, whatever state it is in.
	Close(ctx context.Context) error
}

// Pinger is a Runtime whose engine can be asked for a sign of life. How long that takes is
// recorded through a run: a slow engine makes faults slow.
type Pinger interface {
	Ping(ctx context.Context) error
}

// Sandbox is a started pod without its node: the address, and the linkd that
// carries the links which the node opens and those by which clients reach it.
// It is the framework's own and no part of the system under test: no fault ends
// it, and one that ends by itself is a SandboxFailure.
type Sandbox interface {
	// Server is where the linkd is reached.
	Server() links.Server
	// Signal ends the sandbox by Kill. Other signals may be errors.
	Signal(ctx context.Context, s Signal) error
	// Status is OOMKilled also while the sandbox runs, if a process in it was
	// killed for its memory and the runtime can tell.
	Status(ctx context.Context) (ProcessStatus, error)
	// Logs is all that the linkd has written so far.
	Logs(ctx context.Context) (io.ReadCloser, error)
}

// Process is a started node. A process that has exited keeps its address,
// its data and its logs.
type Process interface {
	Signal(ctx context.Context, s Signal) error
	// Restart starts an exited process again; on a running one it is an error.
	Restart(ctx context.Context) error
	Status(ctx context.Context) (ProcessStatus, error)
	// Logs is all that the process has written so far, over all its restarts.
	Logs(ctx context.Context) (io.ReadCloser, error)
}

// Signal is what can be done to a process from outside.
type Signal string

// Posix reports whether the signal is one of Posix by its name, such as SIGQUIT. A
// process is sent it and does with it as it likes.
func (s Signal) Posix() bool { return slices.Contains(PosixSignals(), s) }

// PosixSignals lists the signals that can be sent by name. Those that the runtimes
// have a word of their own for, such as Kill and Pause, are not among them, for
// those have an effect that the kernel brings about.
func PosixSignals() []Signal {
	return []Signal{"SIGHUP", "SIGINT", "SIGQUIT", "SIGABRT", "SIGSEGV", "SIGALRM", "SIGTERM", "SIGUSR1", "SIGUSR2"}
}

// The signals. Signal returns once the effect is requested of the engine or
// kernel; the effect has come when Status shows it.
const (
	Kill      Signal = "kill"      // at once, no clean-up (SIGKILL)
	Terminate Signal = "terminate" // graceful stop (SIGTERM), killed after its grace
	Pause     Signal = "pause"     // stop the clock of every thread
	Resume    Signal = "resume"    // end a pause; nothing on a process that runs
)

// ProcessState is what a process is doing.
type ProcessState string

// The states.
const (
	Running ProcessState = "running"
	Paused  ProcessState = "paused"
	Exited  ProcessState = "exited"
)

// ProcessStatus is the state of a process as its engine or kernel reports it.
type ProcessStatus struct {
	State     ProcessState
	Started   time.Time // of the latest start; changes with each restart
	ExitCode  int       // when exited; -1 for a signal
	OOMKilled bool      // by the kernel for memory
}

// NewSecret draws a run's secret: 130 random bits as text.
func NewSecret() string { return rand.Text() }

// Spec is what a runtime needs to know before it starts anything.
type Spec struct {
	Run      string // the run's id, put on everything that is made
	Topology topology.Topology
	Dir      string // folder for data and logs, removed or kept by its owner
	// Secret is what programs get as {{.Secret}}, see NewSecret. Nothing writes it down.
	Secret string
	// Binary returns the path of a program's static binary, building it if need be.
	Binary func(ctx context.Context, p topology.Program) (string, error)
	// Linkd returns the path of linkd's static binary.
	Linkd string
	// FailingDisks puts a layer between each node and its disk that can fail, where
	// the runtime has one; see DiskFaulter. Without it nodes are faster.
	FailingDisks bool
	// CleanupLog is handed each thing that is to be made, before it is made.
	CleanupLog CleanupLog
}

// CleanupLog keeps, where a kill -9 cannot reach, what has to be undone.
type CleanupLog interface {
	Append(CleanupEntry) error
}

// CleanupEntry is one thing to undo.
type CleanupEntry struct {
	What string    `json:"what"` // "process", "container", "network", "fault"
	ID   string    `json:"id"`   // pid, container or network name, fault id
	Undo string    `json:"undo"` // in words
	At   time.Time `json:"at"`
}

// Driver is a runtime that can be opened: its name, whether it can work here,
// and how to open it for a run.
type Driver struct {
	Name string
	// OS is the GOOS that the binaries of nodes and linkd must be built for;
	// empty means this machine's. See build.Builder.
	OS string
	// Check returns nil where the runtime can work, else the reason.
	Check func(ctx context.Context) error
	Open  func(ctx context.Context, s Spec) (Runtime, error)
}

// Unsupported is the error of what a runtime cannot do by its nature; a
// scenario that needs it is skipped with the reason written down.
type Unsupported struct{ Reason string }

func (u Unsupported) Error() string { return "not supported: " + u.Reason }
