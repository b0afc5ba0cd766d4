// Package state is what the platform knows: registers, sets and accounts, who suspects whom,
// which nodes are lost, and how traffic is shared. It is a deterministic state machine: the
// same commands in the same order give the same state on every node. It knows nothing of
// raft, networks or clocks.
package state

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/mcp/api"
)

// RememberedIDs is how many mutation ids the state keeps in order to recognise retries.
const RememberedIDs = 1 << 16

// FullWeight is how many quarters of its weight a healthy region carries: all four.
const FullWeight = 4

// State is safe for concurrent use. Create it with New.
type State struct {
	mu       sync.RWMutex
	d        data
	changed  broadcast.Signal           // at each command
	remember func(id string, o outcome) // keeps what a mutation did, for its retries
}

// data is what a snapshot holds.
type data struct {
	Index          uint64                         `json:"index"` // of the last command applied
	Registers      map[string]string              `json:"registers"`
	Sets           map[string]map[string]struct{} `json:"sets"`
	Accounts       map[string]accounts            `json:"banks"`
	Done           map[string]outcome             `json:"done"` // by mutation id
	DoneOrder      []string                       `json:"doneOrder"`
	Suspects       map[string][]string            `json:"suspects"` // by reporter
	Known          map[string][]string            `json:"known"`    // by reporter
	Lost           []string                       `json:"lost"`
	WeightQuarters map[string]uint32              `json:"weight_quarters"` // by region; absent means FullWeight
	Registry       map[string]Registration        `json:"registry"`        // by node
	Settings       settings                       `json:"settings"`
	StreamLeaders  map[string]string              `json:"stream_leaders"` // who leads each stream of the bus
	Keys           map[string]SigningKey          `json:"keys"`           // by id
	Revoked        map[string]time.Time           `json:"revoked"`        // by session: until when the revocation is kept
	Primaries      map[api.Class]PrimaryTerm      `json:"primaries"`
}

// outcome is the result of an applied mutation, which its retries get again.
type outcome struct {
	Index   uint64 `json:"i"`
	Term    uint64 `json:"t"`
	Swapped bool   `json:"s,omitempty"`
	Reason  string `json:"w,omitempty"` // why a transfer was not done
}

// New returns an empty state.
func New() *State { return of(empty()) }

func of(d data) *State {
	s := &State{d: d}
	s.remember = s.d.remember
	return s
}

func empty() data {
	return data{
		Registers:      map[string]string{},
		Sets:           map[string]map[string]struct{}{},
		Accounts:       map[string]accounts{},
		Done:           map[string]outcome{},
		Suspects:       map[string][]string{},
		Known:          map[string][]string{},
		WeightQuarters: map[string]uint32{},
		Registry:       map[string]Registration{},
		Settings:       settings{Values: map[string]Setting{}},
		StreamLeaders:  map[string]string{},
		Keys:           map[string]SigningKey{},
		Revoked:        map[string]time.Time{},
		Primaries:      map[api.Class]PrimaryTerm{},
	}
}

// Apply carries out the command at a position in the log. A mutation whose id is remembered
// changes nothing and returns the result of its first application.
func (s *State) Apply(index, term uint64, c *api.Command) *api.Applied {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.changed.Broadcast()
	s.d.Index = index
	if c.Id != "" {
		if o, ok := s.d.Done[c.Id]; ok {
			return &api.Applied{Index: o.Index, Term: o.Term, Swapped: o.Swapped, Reason: o.Reason, Duplicate: true}
		}
	}
	swapped, reason := s.d.apply(index, c)
	if c.Id != "" {
		s.remember(c.Id, outcome{index, term, swapped, reason})
	}
	return &api.Applied{Index: index, Term: term, Swapped: swapped, Reason: reason}
}

func (d *data) apply(index uint64, c *api.Command) (swapped bool, reason string) {
	switch do := c.Do.(type) {
	case *api.Command_Write:
		d.Registers[do.Write.Key] = do.Write.Value
	case *api.Command_CompareAndSet:
		if d.Registers[do.CompareAndSet.Key] != do.CompareAndSet.Expect {
			return false, ""
		}
		d.Registers[do.CompareAndSet.Key] = do.CompareAndSet.Value
		return true, ""
	case *api.Command_Add:
		set := d.Sets[do.Add.Set]
		if set == nil {
			set = map[string]struct{}{}
			d.Sets[do.Add.Set] = set
		}
		set[do.Add.Member] = struct{}{}
	case *api.Command_SettingPut:
		d.Settings.put(do.SettingPut, index)
	case *api.Command_OpenAccounts:
		return d.open(do.OpenAccounts), ""
	case *api.Command_Transfer:
		return d.transfer(do.Transfer)
	case *api.Command_Suspicions:
		d.Suspects[do.Suspicions.Reporter] = slices.Sorted(slices.Values(do.Suspicions.Suspects))
		d.Known[do.Suspicions.Reporter] = slices.Sorted(slices.Values(do.Suspicions.Known))
	case *api.Command_StreamLeader:
		d.StreamLeaders[do.StreamLeader.Stream] = do.StreamLeader.Leader
	case *api.Command_Decision:
		d.Lost = slices.Sorted(slices.Values(do.Decision.Lost))
		d.WeightQuarters = maps.Clone(do.Decision.WeightQuarters)
	case *api.Command_Registration:
		d.register(do.Registration)
	case *api.Command_SigningKey:
		d.addKey(do.SigningKey)
	case *api.Command_Revocation:
		d.revoke(do.Revocation)
	case *api.Command_Promotion:
		d.promote(do.Promotion)
	}
	return false, ""
}

func (d *data) remember(id string, o outcome) {
	d.Done[id] = o
	d.DoneOrder = append(d.DoneOrder, id)
	if over := len(d.DoneOrder) - RememberedIDs; over > 0 {
		for _, old := range d.DoneOrder[:over] {
			delete(d.Done, old)
		}
		d.DoneOrder = d.DoneOrder[over:]
	}
}

// Applied returns the index of the last command applied, and a channel that is closed
// when the next one has been.
func (s *State) Applied() (uint64, <-chan struct{}) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d.Index, s.changed.Next()
}

// Read returns a register's value, "" if it was never written, and the index up to which the
// state had been applied at that instant.
func (s *State) Read(key string) (value string, index uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.d.Registers[key], s.d.Index
}

// Members returns the members of a set, sorted, and the index as Read does.
func (s *State) Members(set string) (members []string, index uint64) {
	s.mu.RLock()
	members, index = slices.Collect(maps.Keys(s.d.Sets[set])), s.d.Index
	s.mu.RUnlock()
	slices.Sort(members)
	return members, index
}
