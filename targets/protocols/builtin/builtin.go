// Package builtin is the list of the protocols that come with holdfast.
package builtin

import (
	"fmt"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/exec"
	"github.com/mcp-resilience/holdfast/targets/protocols/http"
	"github.com/mcp-resilience/holdfast/targets/protocols/nats"
	"github.com/mcp-resilience/holdfast/targets/protocols/postgres"
	"github.com/mcp-resilience/holdfast/targets/protocols/redis"
)

// entry is a protocol by its name in target files.
type entry struct {
	name     string
	settings func() protocols.Settings
}

func entries() []entry {
	return []entry{
		{exec.Name, func() protocols.Settings { return &exec.Settings{} }},
		{http.Name, func() protocols.Settings { return &http.Settings{} }},
		{nats.Name, func() protocols.Settings { return &nats.Settings{} }},
		{postgres.Name, func() protocols.Settings { return &postgres.Settings{} }},
		{redis.Name, func() protocols.Settings { return &redis.Settings{} }},
	}
}

// Names lists the protocols.
func Names() []string {
	var out []string
	for _, e := range entries() {
		out = append(out, e.name)
	}
	return out
}

// Settings returns new settings of a protocol, to be decoded into. The error is NotFound.
func Settings(name string) (protocols.Settings, error) {
	for _, e := range entries() {
		if e.name == name {
			return e.settings(), nil
		}
	}
	return nil, NotFound{Name: name, Suggestion: suggest.Closest(name, Names())}
}

// NotFound is the error for a name that no protocol has.
type NotFound struct {
	Name       string
	Suggestion string // the name that may have been meant, or ""
}

func (e NotFound) Error() string {
	s := fmt.Sprintf("there is no protocol %q; there are %s", e.Name, strings.Join(Names(), ", "))
	if e.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %q?", e.Suggestion)
	}
	return s
}
