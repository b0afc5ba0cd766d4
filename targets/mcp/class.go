package mcp

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/targets"
)

// classes are the classes of data that hold sets, by their names in keys.
var classes = map[string]client.Class{"strong": client.Strong, "semisync": client.Semisync, "async": client.Async}

// LoadSupport implements targets.LoadSupporter.
func (Target) LoadSupport() targets.LoadSupport {
	names := append(slices.Collect(maps.Keys(classes)), settingsClass)
	slices.Sort(names)
	return targets.LoadSupport{Classes: names, LocalReads: true, Accounts: true, Streams: true}
}

// classOf splits a key such as semisync/s0.1 into class and set.
func classOf(key string) (c client.Class, set string, ok bool) {
	name, set, _ := strings.Cut(key, "/")
	c, ok = classes[name]
	return c, set, ok && set != ""
}

// classOp performs an operation on a set of a class.
func (u *user) classOp(ctx context.Context, op history.Op, c client.Class, set string) history.Op {
	switch op.Kind {
	case history.Add:
		r, err := u.AddTo(ctx, client.NewID(), c, set, op.Value)
		return resultOfMutation(op, r, err)
	case history.SetRead:
		r, err := u.MembersOf(ctx, c, set, consistency(op))
		return resultOfMembers(op, r, err)
	}
	return setsOnly(op)
}

// classOp reads a set of a class.
func (r *reader) classOp(ctx context.Context, op history.Op, c client.Class, set string) history.Op {
	if op.Kind != history.SetRead {
		return setsOnly(op)
	}
	out, err := r.Members(ctx, &api.MembersRequest{Class: c, Set: set, Consistency: consistency(op)})
	return resultOfMembers(op, out, err)
}

func setsOnly(op history.Op) history.Op {
	return failed(op, fmt.Errorf("%s: the class holds sets: write a mix of {add: 100}", op.Key))
}
