package faults

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// cut is what Partition and Isolate have in common: streams that carry nothing.
type cut struct {
	reach
	mode links.Mode
}

func newCut(m links.Mode, d Direction, clients bool) cut {
	if m == "" {
		m = links.Hold
	}
	opening := m == links.Refuse || m == links.Reset // a closed door has no direction of bytes
	return cut{reach{direction: d, clients: clients, opening: opening}, m}
}

func validMode(m links.Mode) error {
	return oneOf("mode", string(m), "", string(links.Hold), string(links.Blackhole), string(links.Refuse), string(links.Reset))
}

func (c cut) inject(ctx context.Context, v Victims) (func(context.Context) error, error) {
	return disturb(ctx, v, c.streams(v), links.Effect{Cut: c.mode})
}

func (c cut) damage(v Victims) topology.FaultImpact {
	return topology.FaultImpact{CutFlows: c.streams(v)}
}

// felt wants every link that is cut to look cut to who dials it.
func (c cut) felt(ctx context.Context, v Victims) (string, error) {
	return twice(func() (string, error) { return c.look(ctx, v) })
}

// look measures once. A probe that could not be made is no proof of anything.
func (c cut) look(ctx context.Context, v Victims) (string, error) {
	var alive []string
	looks := map[links.ProbeFailure]bool{}
	streams := c.streams(v)
	for _, s := range glances(ctx, v, linksOf(streams)) {
		symptom := links.ProbeFailureOf(s.Err)
		switch {
		case s.Err == nil:
			alive = append(alive, fmt.Sprintf("%s echoes in %v", s.Link, s.RTT.Round(time.Microsecond)))
		case symptom == "" || symptom == links.Other:
			return "", fmt.Errorf("probe of %s: %w", s.Link, s.Err)
		}
		looks[symptom] = true
	}
	if err := ctx.Err(); err != nil { // our own haste is no cut
		return "", err
	}
	if len(alive) > 0 || len(streams) == 0 {
		return "", fmt.Errorf("%d of %d links are not cut: %s", len(alive), len(streams), few(alive))
	}
	return fmt.Sprintf("no echo over %s: %s", list(linksOf(streams)), seen(looks)), nil
}

// gone wants an echo over every link that was cut.
func (c cut) gone(ctx context.Context, v Victims) (string, error) {
	streams := c.streams(v)
	if err := silent(echoes(ctx, v, linksOf(streams))); err != nil {
		return "", err
	}
	return fmt.Sprintf("echo over %s", list(linksOf(streams))), nil
}

func (c cut) spared(ctx context.Context, v Victims) (string, error) {
	l, ok := neighbour(v, c.streams(v))
	if !ok {
		return "no link is untouched, so none was measured", nil
	}
	s := echoes(ctx, v, []topology.Link{l})
	if err := silent(s); err != nil {
		return "", fmt.Errorf("untouched link: %w", err)
	}
	return fmt.Sprintf("%s echoes in %v", l, s[0].RTT.Round(time.Microsecond)), nil
}

// silent returns an error that names the links that gave no echo.
func silent(samples []links.Sample) error {
	var dead []string
	for _, s := range samples {
		if s.Err != nil {
			dead = append(dead, fmt.Sprintf("%s: %v", s.Link, s.Err))
		}
	}
	if len(dead) > 0 {
		return fmt.Errorf("no echo over %d of %d links: %s", len(dead), len(samples), few(dead))
	}
	return nil
}

func seen(looks map[links.ProbeFailure]bool) string {
	var out []string
	for _, s := range slices.Sorted(maps.Keys(looks)) {
		out = append(out, string(s))
	}
	return strings.Join(out, ", ")
}

// few shortens a list of findings to what a reader takes in.
func few(found []string) string {
	const most = 3
	if len(found) > most {
		return strings.Join(found[:most], "; ") + fmt.Sprintf("; and %d more", len(found)-most)
	}
	return strings.Join(found, "; ")
}
