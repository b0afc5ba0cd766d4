package file

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/topology"
)

// askTimeout bounds the question to one node. One that does not answer has no role.
const askTimeout = 2 * time.Second

// Resolve implements targets.Target: it asks every node that holds data at the same time.
// Two nodes that both say that they lead are an error, because neither of them can
// be believed.
func (t *Target) Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	if _, ok := t.document.Roles[r]; !ok && r != topology.Follower {
		return nil, fmt.Errorf("target %s does not say who is %s: add roles.%s to its file", t.Name(), r, r)
	}
	var have []topology.NodeID
	var err error
	switch _, own := t.document.Roles[r]; {
	case own:
		have, err = t.answering(ctx, c, t.document.Roles[r])
	default: // whoever answers and does not lead
		have, err = t.followers(ctx, c)
	}
	switch {
	case len(have) == 0:
		return nil, fmt.Errorf("target %s has no %s now: %w", t.Name(), r, err)
	case r == topology.Leader && len(have) > 1:
		return nil, fmt.Errorf("target %s has several nodes that say they lead: %v", t.Name(), have)
	}
	return have, nil
}

func (t *Target) followers(ctx context.Context, c *cluster.Cluster) ([]topology.NodeID, error) {
	leader, ok := t.document.Roles[topology.Leader]
	if !ok {
		return nil, errors.New("its file does not say who leads: add roles.leader")
	}
	all, err := t.answering(ctx, c, Role{Query: leader.Query, Match: ".*"})
	lead, _ := t.answering(ctx, c, leader)
	return slices.DeleteFunc(all, func(id topology.NodeID) bool { return slices.Contains(lead, id) }), err
}

// answering lists the nodes whose answer matches, in the order of the topology. The
// error says what the others answered.
func (t *Target) answering(ctx context.Context, c *cluster.Cluster, r Role) ([]topology.NodeID, error) {
	match, err := regexp.Compile("(?s)" + r.Match)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	matches := make([]bool, len(c.Topology.Nodes))
	errs := make([]error, len(c.Topology.Nodes))
	var all sync.WaitGroup
	for i, n := range c.Topology.Nodes {
		if n.NoData {
			continue
		}
		all.Go(func() {
			answer, err := t.protocol.Query(ctx, t.system(c, n.Region), t.endpoint(n), r.Query)
			switch matches[i] = err == nil && match.MatchString(answer); {
			case err != nil:
				errs[i] = fmt.Errorf("%s: %w", n.ID, err)
			case !matches[i]:
				errs[i] = fmt.Errorf("%s answered %q, which does not match %q", n.ID, firstLine(answer), r.Match)
			}
		})
	}
	all.Wait()
	var out []topology.NodeID
	for i, n := range c.Topology.Nodes {
		if matches[i] {
			out = append(out, n.ID)
		}
	}
	return out, errors.Join(errs...)
}

// firstLine is the beginning of an answer, for an error message.
func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	if len(line) > 80 {
		line = line[:80] + "…"
	}
	return line
}
