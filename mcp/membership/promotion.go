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

// Promote makes learners voters once they have caught up, while this node leads, until
// ctx ends. It derives what to do from the present members, so a new leader continues
// where the last one stopped.
func (mgr *Manager) Promote(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if _, ok := mgr.Consensus.Leads(); ok {
				mgr.promote(ctx)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (mgr *Manager) promote(ctx context.Context) {
	mgr.mu.Lock()
	defer mgr.mu.Unlock()
	for _, m := range mgr.Consensus.Members() {
		about, known := mgr.Lookup(m.Name)
		if m.Voter || !known || !about.Votes {
			continue
		}
		p, err := mgr.ask(ctx, m.Name)
		if err != nil || !mgr.caughtUp(p) {
			continue
		}
		if mgr.Consensus.PromoteVoter(m.Name) != nil {
			continue // the next poll tries again
		}
		mgr.Note(events.VoterPromoted, fmt.Sprintf("%s has caught up to entry %d and is a voter", m.Name, p.Applied), map[string]string{"peer": m.Name})
	}
}

// caughtUp reports whether a node follows this leader and is close behind it.
func (mgr *Manager) caughtUp(p *api.ProgressReply) bool {
	committed, _ := mgr.Consensus.Position()
	return p.Leader == mgr.Self && p.Applied+maxLag >= committed
}

func (mgr *Manager) ask(ctx context.Context, name string) (*api.ProgressReply, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	return mgr.Progress(ctx, name)
}

// askAll asks nodes at once. A node that does not answer is not in the result.
func (mgr *Manager) askAll(ctx context.Context, names []string) map[string]*api.ProgressReply {
	var mu sync.Mutex
	var all sync.WaitGroup
	out := map[string]*api.ProgressReply{}
	for _, n := range names {
		all.Go(func() {
			p, err := mgr.ask(ctx, n)
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
func (mgr *Manager) list(ctx context.Context) *api.Membership {
	answers := mgr.askAll(ctx, mgr.memberNames())
	out := mgr.Known()
	out.Leader, out.Stale = mgr.Self, false
	for _, m := range out.Members {
		if p := answers[m.Name]; p != nil {
			m.Reachable, m.CaughtUp = true, mgr.caughtUp(p)
		}
	}
	return out
}

// Known is the membership as this node knows it. It asks no other node, so the answer is
// marked stale.
func (mgr *Manager) Known() *api.Membership {
	out := &api.Membership{Stale: true}
	out.Revision, _ = mgr.Consensus.Position()
	lost := mgr.Lost()
	for _, m := range mgr.Consensus.Members() {
		about, _ := mgr.Lookup(m.Name)
		out.Members = append(out.Members, &api.Member{
			Name: m.Name, Region: about.Region, Roles: about.Roles, Voter: m.Voter, Lost: slices.Contains(lost, m.Name),
		})
	}
	return out
}
