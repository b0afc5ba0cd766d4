package membership

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Promote gives learners their vote once they have caught up, while this node
// leads, until ctx ends. It compares rather than remembers, so a new leader goes
// on where the last one stopped.
func (k *Manager) Promote(ctx context.Context) {
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, ok := k.Consensus.Leads(); ok {
				k.promote(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (k *Manager) promote(ctx context.Context) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, m := range k.Consensus.Members() {
		about, known := k.Lookup(m.Name)
		if m.Voter || !known || !about.Votes {
			continue
		}
		p, err := k.ask(ctx, m.Name)
		if err != nil || !k.caughtUp(p) {
			continue
		}
		if k.Consensus.PromoteVoter(m.Name) != nil {
			continue // tried again at the next look
		}
		k.Note(events.VoterPromoted, fmt.Sprintf("%s has caught up to entry %d and votes", m.Name, p.Applied), map[string]string{"peer": m.Name})
	}
}

// caughtUp says whether a node follows this leader closely.
func (k *Manager) caughtUp(p *api.ProgressReply) bool {
	committed, _ := k.Consensus.Position()
	return p.Leader == k.Self && p.Applied+batch >= committed
}

func (k *Manager) ask(ctx context.Context, name string) (*api.ProgressReply, error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	return k.Progress(ctx, name)
}

// askAll asks nodes at once; who does not answer is not in the result.
func (k *Manager) askAll(ctx context.Context, names []string) map[string]*api.ProgressReply {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[string]*api.ProgressReply{}
	for _, n := range names {
		all.Go(func() {
			p, err := k.ask(ctx, n)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out[n] = p
		})
	}
	all.Wait()
	return out
}

// list is the membership as the leader sees it.
func (k *Manager) list(ctx context.Context) *api.Membership {
	answers := k.askAll(ctx, k.names())
	out := k.Known()
	out.Leader, out.Stale = k.Self, false
	for _, m := range out.Members {
		if p := answers[m.Name]; p != nil {
			m.Reachable, m.CaughtUp = true, k.caughtUp(p)
		}
	}
	return out
}

// Known is the membership as this node knows it, without asking anyone, and so
// marked stale.
func (k *Manager) Known() *api.Membership {
	out := &api.Membership{Stale: true}
	out.Revision, _ = k.Consensus.Position()
	lost := k.Lost()
	for _, m := range k.Consensus.Members() {
		about, _ := k.Lookup(m.Name)
		out.Members = append(out.Members, &api.Member{
			Name: m.Name, Region: about.Region, Roles: about.Roles, Voter: m.Voter, Lost: slices.Contains(lost, m.Name),
		})
	}
	return out
}
