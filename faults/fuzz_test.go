package faults_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/faults"
	"github.com/mcp-resilience/holdfast/topology"
)

// FuzzParseRate: what parses is written in a form that parses to the same rate.
func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"64KB/s", "1.5MB/s", "2 GB/s", "800B/s", "NaNB/s", "-1KB/s", "1e300GB/s", "0x1p3B/s", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, err := faults.ParseRate(s)
		if err != nil {
			return
		}
		again, err := faults.ParseRate(r.String())
		if err != nil || again != r {
			t.Errorf("ParseRate(%q) = %d, written as %s, read again as %d, %v", s, r, r, again, err)
		}
	})
}

// FuzzSettings: settings that are read and valid describe themselves, and are
// written in a form that is read as the same.
func FuzzSettings(f *testing.F) {
	for _, s := range []string{
		`{"delay":100000000,"jitter":20000000,"direction":"to","clients":true}`, `{"rate":"64KB/s"}`,
		`{"mode":"hold","direction":"from"}`, `{"kind":"torn","files":"*.wal"}`, `{"kind":"flip","files":"[a"}`,
		`{"percent":10,"retransmit":300000000}`, `{"size":"64B","delay":5000000}`, `{"after":"1KB","clientsOnly":true}`,
		`{"down":100000000,"up":200000000}`, `{"delay":1000000,"jitter":1000000,"distribution":"pareto"}`,
		`{"signal":"SIGQUIT"}`, `{"up":1000000000}`,
		`{"headroom":"8MB"}`,
		`{"cpu":0.1}`, `{"cpu":1e400}`, `{}`, `null`, `[]`,
	} {
		f.Add(s)
	}
	c := declared(1, "a", "b")
	v := victims(c, topology.Selector{Region: "a"}, topology.Selector{})
	f.Fuzz(func(t *testing.T, s string) {
		for _, e := range faults.Catalogue() {
			fault := e.New()
			if json.Unmarshal([]byte(s), fault) != nil {
				continue
			}
			if checked, ok := fault.(faults.Validator); ok && checked.Validate() != nil {
				continue
			}
			if fault.Describe(v) == "" {
				t.Errorf("%s with %s has no description", e.Name, s)
			}
			faults.Affects(fault, v)
			b, err := json.Marshal(fault)
			if err != nil {
				t.Fatalf("%s with %s: %v", e.Name, s, err)
			}
			again := e.New()
			if err := json.Unmarshal(b, again); err != nil {
				t.Fatalf("%s through %s: %v", e.Name, b, err)
			}
			if diff := cmp.Diff(fault, again); diff != "" {
				t.Errorf("%s through %s (-first +again):\n%s", e.Name, b, diff)
			}
		}
	})
}

// FuzzTrafficDirection: a direction that is not known is refused with the field's
// name, and never affects a link by mistake.
func FuzzTrafficDirection(f *testing.F) {
	for _, s := range []string{"", "both", "to", "from", "bth", "TO"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d := faults.TrafficDirection(s)
		err := (&faults.Partition{Direction: d}).Validate()
		known := d == "" || d == faults.Both || d == faults.To || d == faults.From
		if (err == nil) != known {
			t.Errorf("direction %q: %v", s, err)
		}
	})
}
