package scenarios

import (
	"fmt"
	"math/big"
	"slices"

	"github.com/mcp-resilience/holdfast/topology"
)

const (
	// maxCombinations is how many different impacts the faults of one instant may have
	// together before the union of all is assumed, and previewWork bounds how many
	// impacts are merged for a whole plan. A plan of hundreds of overlapping steps with
	// roles would take minutes otherwise.
	maxCombinations = 1000
	previewWork     = 2_000_000
	// assessWork is how many merges an assessment of the quorum is worth.
	assessWork = 200
)

// quorumPreview works out which quorum survives which of a plan's faults. Impacts are
// kept as sets of bits, so that equal ones are merged once and assessed once: episodes
// repeat themselves.
type quorumPreview struct {
	plan  Plan
	steps [][]*big.Int // for each step of the plan, its possible impacts
	ids   []int        // for each step, what its impacts have in common with equal steps

	downs []topology.NodeID // the node that a bit says is down; flows follow
	flows []topology.Flow
	bits  map[any]uint // of a node or a flow; even bits are nodes

	combined map[string][]*big.Int
	assessed map[string]quorumState
	impacts  map[string]topology.FaultImpact
	work     int
}

// quorumState is what is left of the quorum under one impact.
type quorumState struct {
	majority bool
	regions  []topology.Region
}

func (p Plan) newQuorumPreview() *quorumPreview {
	q := &quorumPreview{
		plan: p, bits: map[any]uint{}, combined: map[string][]*big.Int{},
		assessed: map[string]quorumState{}, impacts: map[string]topology.FaultImpact{}, work: previewWork,
	}
	known := map[string]int{}
	for _, s := range p.Steps {
		var possible []*big.Int
		seen := map[string]bool{}
		all := ""
		for _, i := range p.possibleImpacts(s) {
			set := q.set(i)
			if key := keyOfSet(set); !seen[key] {
				seen[key] = true
				possible = append(possible, set)
				all += fmt.Sprintf("%x ", key)
			}
		}
		id, there := known[all]
		if !there {
			id = len(known)
			known[all] = id
		}
		q.steps, q.ids = append(q.steps, possible), append(q.ids, id)
	}
	return q
}

// set is an impact as bits.
func (q *quorumPreview) set(i topology.FaultImpact) *big.Int {
	out := new(big.Int)
	for _, n := range i.Down {
		bit, known := q.bits[n]
		if !known {
			bit = uint(2 * len(q.downs))
			q.downs, q.bits[n] = append(q.downs, n), bit
		}
		out.SetBit(out, int(bit), 1)
	}
	for _, f := range i.CutFlows {
		bit, known := q.bits[f]
		if !known {
			bit = uint(2*len(q.flows) + 1)
			q.flows, q.bits[f] = append(q.flows, f), bit
		}
		out.SetBit(out, int(bit), 1)
	}
	return out
}

// impact is what set was made of, without repetition.
func (q *quorumPreview) impact(set *big.Int) topology.FaultImpact {
	key := keyOfSet(set)
	if known, ok := q.impacts[key]; ok {
		return known
	}
	var out topology.FaultImpact
	for i := range set.BitLen() {
		switch {
		case set.Bit(i) == 0:
		case i%2 == 0:
			out.Down = append(out.Down, q.downs[i/2])
		default:
			out.CutFlows = append(out.CutFlows, q.flows[i/2])
		}
	}
	q.impacts[key] = out
	return out
}

func keyOfSet(set *big.Int) string { return string(set.Bytes()) }

// assess fills in the state of the system after the row's instant.
func (q *quorumPreview) assess(r *PreviewRow) {
	r.Active = []string{}
	var active []int
	union := new(big.Int)
	for i, s := range q.plan.Steps {
		if s.At <= r.At && r.At < s.End() {
			r.Active = append(r.Active, s.ID)
			active = append(active, i)
			for _, set := range q.steps[i] {
				union.Or(union, set)
			}
		}
	}
	r.Impact = q.impact(union)
	worst := q.combinations(active)
	if worst == nil {
		worst = []*big.Int{union} // too many combinations: assume the union of all impacts
	}
	r.Majority = true
	r.RegionsWithQuorum = q.plan.Topology.Regions()
	for _, set := range worst {
		state := q.state(set)
		r.Majority = r.Majority && state.majority
		r.RegionsWithQuorum = slices.DeleteFunc(r.RegionsWithQuorum, func(c topology.Region) bool { return !slices.Contains(state.regions, c) })
	}
}

// combinations returns the different impacts that the active steps can have together, or
// nil when there are too many.
func (q *quorumPreview) combinations(active []int) []*big.Int {
	ids := make([]int, len(active))
	for i, step := range active {
		ids[i] = q.ids[step]
	}
	for n := len(active); ; n-- { // the longest beginning that is known
		if n == 0 {
			return q.combine([]*big.Int{{}}, active, ids, 0)
		}
		if known, ok := q.combined[fmt.Sprint(ids[:n])]; ok {
			return q.combine(known, active, ids, n)
		}
	}
}

// combine adds the active steps from the n-th on to the combinations of those before.
func (q *quorumPreview) combine(out []*big.Int, active, ids []int, n int) []*big.Int {
	for ; n < len(active) && out != nil; n++ {
		var next []*big.Int
		seen := map[string]bool{}
		for _, so := range out {
			for _, set := range q.steps[active[n]] {
				merged := new(big.Int).Or(so, set)
				if key := keyOfSet(merged); !seen[key] {
					seen[key] = true
					next = append(next, merged)
				}
			}
		}
		q.work -= len(out) * len(q.steps[active[n]])
		if len(next) > maxCombinations || q.work < 0 {
			next = nil
		}
		out = next
		q.combined[fmt.Sprint(ids[:n+1])] = out
	}
	return out
}

// state works out what is left of the quorum under an impact.
func (q *quorumPreview) state(set *big.Int) quorumState {
	key := keyOfSet(set)
	if known, ok := q.assessed[key]; ok {
		return known
	}
	q.work -= assessWork
	t, impact := q.plan.Topology, q.impact(set)
	s := quorumState{majority: len(t.QuorumMembers(impact)) > 0}
	for _, c := range t.Regions() {
		if t.HasQuorum(c, impact) {
			s.regions = append(s.regions, c)
		}
	}
	q.assessed[key] = s
	return s
}
