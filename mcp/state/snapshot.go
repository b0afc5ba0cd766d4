package state

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Snapshot returns a copy of the state that later commands do not change.
func (s *State) Snapshot() *Snapshot {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return &Snapshot{s.d.clone()}
}

// Snapshot is the state at one index.
type Snapshot struct{ d data }

// Write encodes the snapshot.
func (s *Snapshot) Write(w io.Writer) error { return json.NewEncoder(w).Encode(s.d) }

// Index is the log index of the last command in the snapshot.
func (s *Snapshot) Index() uint64 { return s.d.Index }

// State returns a new state that starts as the snapshot.
func (s *Snapshot) State() *State {
	return of(s.d.clone())
}

// Restore replaces the whole state with an encoded snapshot.
func (s *State) Restore(r io.Reader) error {
	d := empty()
	if err := json.NewDecoder(r).Decode(&d); err != nil {
		return fmt.Errorf("restore state: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.d = d
	s.changed.Broadcast()
	return nil
}

func (d data) clone() data {
	d.Registers = maps.Clone(d.Registers)
	sets := make(map[string]map[string]struct{}, len(d.Sets))
	for k, set := range d.Sets {
		sets[k] = maps.Clone(set)
	}
	d.Sets = sets
	d.Accounts = cloneBanks(d.Accounts)
	d.Done = maps.Clone(d.Done)
	d.DoneOrder = slices.Clone(d.DoneOrder)
	d.Suspects = maps.Clone(d.Suspects)
	d.Known = maps.Clone(d.Known)
	d.Lost = slices.Clone(d.Lost)
	d.WeightQuarters = maps.Clone(d.WeightQuarters)
	d.Keys = maps.Clone(d.Keys)
	d.Revoked = maps.Clone(d.Revoked)
	d.Registry = maps.Clone(d.Registry) // a registration is replaced, never changed
	d.Settings.Values, d.Settings.Recent = maps.Clone(d.Settings.Values), slices.Clone(d.Settings.Recent)
	d.StreamLeaders = maps.Clone(d.StreamLeaders)
	d.Primaries = maps.Clone(d.Primaries)
	return d
}
