package faults

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// Signal ends the victims by a signal of choice and starts them again at heal: with
// SIGQUIT or SIGABRT a program leaves a trace of where it was, with SIGINT or SIGHUP
// it may or may not clean up. The signal must end the victim. One that a program
// handles or ignores and goes on after leaves nothing that could be proved, so it
// is an error, and the victim is killed and started again.
type Signal struct {
	// Signal is its name, such as SIGQUIT. It must be given.
	Signal SignalName `json:"signal" yaml:"signal"`
}

// SignalName is the name of a signal, such as SIGQUIT.
type SignalName string

// Values lists the signals that can be sent.
func (SignalName) Values() []string {
	var out []string
	for _, n := range cluster.PosixSignals() {
		out = append(out, string(n))
	}
	return out
}

// exitTimeout is how long a victim may take to exit of a signal.
const exitTimeout = 8 * time.Second

// Validate implements Validator.
func (s *Signal) Validate() error {
	if s.Signal == "SIGKILL" || s.Signal == "SIGSTOP" {
		instead := map[SignalName]string{"SIGKILL": "kill", "SIGSTOP": "pause"}[s.Signal]
		return InvalidField{Field: "signal", Message: fmt.Sprintf("%s is a fault of its own: %s", s.Signal, instead)}
	}
	return oneOf("signal", string(s.Signal), s.Signal.Values()...)
}

// Prepare implements Fault.
func (s *Signal) Prepare(v Victims) Injection {
	return &signalInjection{processInjection{victims: v, state: cluster.Exited, signal: cluster.Signal(s.Signal)}}
}

// Impact implements Fault.
func (s *Signal) Impact(v Victims) topology.FaultImpact {
	return topology.FaultImpact{Down: ids(v.Nodes)}
}

// Describe implements Fault.
func (s *Signal) Describe(v Victims) string {
	return fmt.Sprintf("send %s to %s", s.Signal, names(v.Cluster.Topology, v.Nodes))
}

type signalInjection struct{ processInjection }

// Inject implements Injection.
func (s *signalInjection) Inject(ctx context.Context) error {
	within, cancel := context.WithTimeout(ctx, exitTimeout)
	defer cancel()
	err := s.processInjection.Inject(within)
	if err != nil && errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return fmt.Errorf("no exit within %v of %s, so the program handles or ignores it; it was killed and started again: %w", exitTimeout, s.signal, err)
	}
	return err
}
