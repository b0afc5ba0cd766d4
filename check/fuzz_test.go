package check

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/check/checktest"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// FuzzJudge: whatever the record holds, there is a result, no checker
// panics, and Stable returns.
func FuzzJudge(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes make a run of some kind; the longer they are the more operations it has"))
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 2))
		b := make([]byte, 400)
		for i := range b {
			b[i] = byte(rng.Uint32())
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		r := runOf(in)
		j := Judge(context.Background(), r, Options{SLO: checktest.SLO, KeyTime: 50 * ms, Time: time.Second})
		if len(j.Findings) == 0 || j.Verdict == "" {
			t.Fatalf("no result: %+v", j)
		}
		for _, f := range j.Findings {
			if strings.Contains(f.Description, "checker") {
				t.Fatalf("%s: %s", f.Check, f.Description)
			}
			if f.Description == "" || f.Verdict == "" {
				t.Fatalf("a finding has no description: %+v", f)
			}
		}
		Stable(r, checktest.SLO, 300*ms)
	})
}

// runOf reads bytes as choices.
func runOf(in []byte) *record.Run {
	next := func() int {
		if len(in) == 0 {
			return 0
		}
		b := in[0]
		in = in[1:]
		return int(b)
	}
	at := func() time.Duration {
		switch n := next(); {
		case n < 4:
			return record.NotReached
		case n < 6 && len(in) >= 8:
			v := time.Duration(binary.LittleEndian.Uint64(in))
			in = in[8:]
			return v
		default:
			return time.Duration(n*256+next()) * 8 * time.Microsecond
		}
	}
	of := func(names ...string) string { return names[next()%len(names)] }
	r := &record.Run{Meta: record.Meta{Topology: checktest.Three}}
	r.Objectives.RejectWithoutQuorum, r.Objectives.DisconnectedOperation = next()%2 == 0, next()%2 == 0
	if next()%2 == 0 {
		r.Objectives.ExpectEvents = []record.EventPattern{{Kind: record.EventKind(of("elected", "weights"))}, {Kind: "suspect"}}
	}
	change, most := next()%2 == 0, next()%2
	r.Objectives.LeaderChange, r.Objectives.TrafficSwitch, r.Objectives.FalseAlarms = &change, &change, &most
	for range next() % 4 {
		r.Phases = append(r.Phases, record.Phase{Name: of(record.Baseline, record.Faulty, record.Observing, record.ReadBack), From: at(), To: at()})
	}
	for range next() % 4 {
		f := record.Fault{ID: of("a", "b"), Episode: next() % 3, Inject: record.Times{Requested: at(), Confirmed: at(), Effective: at()}, Heal: record.Times{Requested: at(), Confirmed: at(), Effective: at()}}
		f.Active.Proved = next()%2 == 0
		for range next() % 3 {
			f.Impact.Down = append(f.Impact.Down, topology.NodeID(of("east-1", "north-1", "south-1", "?")))
		}
		r.Faults = append(r.Faults, f)
	}
	for range next() % 3 {
		r.Events = append(r.Events, record.Event{At: at(), Source: record.FromPlatform, Kind: record.EventKind(of("elected", "weights", "suspect", "confirmed")), Node: topology.NodeID(of("east-1", "?")), Fields: map[string]string{"peer": of("east-1", "north-1", "?")}})
	}
	for len(in) > 0 {
		op := history.Op{
			Kind: history.Kind(of("read", "write", "cas", "add", "members", "?")), Key: of("a", "b", ""), Value: of("", "1", "2", "3"),
			Expect: of("", "1", "2"), Output: of("", "1", "2", "9"), Region: topology.Region(of("east", "north", "?")),
			Intended: at(), Call: at(), Return: at(), Outcome: history.Outcome(of("ok", "ok", "failed", "unknown", "?")),
			Applied: next()%2 == 0, Stale: next()%8 == 0, Final: next()%4 == 0, ReadThrough: topology.NodeID(of("", "east-1", "north-1")), Revision: uint64(next() % 5),
		}
		for range next() % 4 {
			op.Set = append(op.Set, of("1", "2", "3", "9"))
		}
		r.Ops = append(r.Ops, op)
	}
	return r
}
