package checktest

import (
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// eastIsolated is the impact of a cut that isolates east's node and its clients.
var eastIsolated = topology.FaultImpact{CutFlows: []topology.Flow{
	{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "south-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "north-1"}, Direction: topology.Upstream},
	{Link: topology.Link{From: topology.Endpoint{Clients: "east"}, To: "south-1"}, Direction: topology.Upstream},
}}

// CutOff is a run in which east is cut off from 101 to 200 ms and does what it
// must: it takes 20 ms to notice, rejects writes within 2 ms, and answers every local read.
func CutOff() *record.Run {
	l := Lab{Cut: eastIsolated, Down: func(r topology.Region, _ history.Class, due time.Duration) bool {
		return r == "east" && due > 100*Unit && due < 201*Unit
	}}
	r := l.Run()
	r.Objectives.DisconnectedOperation = true
	for i := range r.Ops {
		op := &r.Ops[i]
		if op.Outcome == history.Unknown && op.Intended > 121*Unit {
			op.Outcome, op.Error, op.Return, op.Rejected = history.Failed, "no leader known", op.Call+2*Unit, true
		}
	}
	for due := time.Duration(0); due < 300*Unit; due += Unit / 4 {
		for _, region := range Three.Regions() {
			key, value := "k0", ""
			if due%(Unit/2) == 0 {
				key, value = history.LocalReadSetting, "set"
			}
			r.Ops = append(r.Ops, history.Op{
				ID: int64(len(r.Ops) + 1), Region: region, Kind: history.Read, Stale: true, Key: key, Output: value,
				Intended: due, Call: due, Return: due + Unit, Outcome: history.OK,
			})
		}
	}
	return r
}
