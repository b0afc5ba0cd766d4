package topology_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/topology"
)

// FuzzParseEndpoint: what parses is written as it was read.
func FuzzParseEndpoint(f *testing.F) {
	for _, s := range []string{"east-1", "clients.east", "clients.", "", "clients", "clients.clients.east"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		e, err := topology.ParseEndpoint(s)
		if err != nil {
			return
		}
		if got := e.String(); got != s {
			t.Errorf("ParseEndpoint(%q).String() = %q", s, got)
		}
		if (e.Node == "") == (e.Clients == "") {
			t.Errorf("ParseEndpoint(%q) = %+v, want exactly one field", s, e)
		}
	})
}
