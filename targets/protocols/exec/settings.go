package exec

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// Settings say which program speaks to the system.
type Settings struct {
	// Command is the program and its arguments. A program without a slash is looked for in PATH.
	Command []string `yaml:"command"`
	// Dir is the folder that the program is started in. Empty means that of this process.
	Dir string `yaml:"dir,omitempty"`
	// Env is added to the program's environment. {{.Secret}} stands for the run's secret.
	Env map[string]string `yaml:"env,omitempty"`
	// Operations lists the kinds of operation that the program knows: read, write, cas, add, members, append,
	// put, list, open, transfer, balances, publish, consume, messages.
	Operations []history.Kind `yaml:"operations"`
	// HangTimeout is how long operations may wait while the program answers none, before it is ended and started
	// again. Zero means 10s.
	HangTimeout time.Duration `yaml:"hangTimeout,omitempty"`
}

const defaultHangTimeout = 10 * time.Second

var kinds = []history.Kind{
	history.Read, history.Write, history.CAS, history.Add, history.SetRead, history.Append, history.Put, history.ListRead,
	history.Open, history.Transfer, history.Balances, history.Publish, history.Consume, history.Messages,
}

// Protocol returns the protocol with these settings.
func (s *Settings) Protocol() (protocols.Protocol, error) { return New(*s) }

// Validate returns a protocols.FieldError for the first setting that makes no sense.
func (s *Settings) Validate() error {
	if len(s.Command) == 0 || s.Command[0] == "" {
		return protocols.FieldError{Field: "command", Message: "a program is needed, such as [python3, client.py]"}
	}
	if len(s.Operations) == 0 {
		return protocols.FieldError{Field: "operations", Message: "say which operations the program knows, such as [read, write]"}
	}
	var known []string
	for _, k := range kinds {
		known = append(known, string(k))
	}
	for i, k := range s.Operations {
		if !slices.Contains(kinds, k) {
			return protocols.FieldError{
				Field: fmt.Sprintf("operations[%d]", i), Message: fmt.Sprintf("%q is none of %s", k, strings.Join(known, ", ")),
				Suggestion: suggest.Closest(string(k), known),
			}
		}
	}
	for name, value := range s.Env {
		if strings.HasPrefix(name, "HOLDFAST_") {
			return protocols.FieldError{Field: "env." + name, Message: "names that begin with HOLDFAST_ are set by holdfast"}
		}
		if err := protocols.CheckSecret("env."+name, value); err != nil {
			return err
		}
	}
	if s.HangTimeout < 0 {
		return protocols.FieldError{Field: "hangTimeout", Message: "a time-out cannot be negative"}
	}
	return nil
}
