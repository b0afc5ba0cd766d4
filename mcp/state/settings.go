package state

import (
	"cmp"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// RecentChanges is how many changes of settings the state keeps, so that a watcher that was
// away receives each of them.
const RecentChanges = 1024

// Setting is a value of the configuration centre. Its revision is the log
// index of the change that made it; among changes it may be a deletion.
type Setting struct {
	Key      string `json:"k"`
	Value    string `json:"v,omitempty"`
	Revision uint64 `json:"r"`
	Deleted  bool   `json:"d,omitempty"`
}

// settings is the configuration centre's part of the data.
type settings struct {
	Values            map[string]Setting `json:"values"`
	Recent            []Setting          `json:"changes"`   // the latest, in order
	CompactedRevision uint64             `json:"forgotten"` // of the last change that is not among them any more
}

func (s *settings) put(p *api.SettingPut, index uint64) {
	now := Setting{Key: p.Key, Value: p.Value, Revision: index}
	if p.Delete {
		if _, there := s.Values[p.Key]; !there {
			return // there is nothing to delete
		}
		now = Setting{Key: p.Key, Revision: index, Deleted: true}
		delete(s.Values, p.Key)
	} else {
		s.Values[p.Key] = now
	}
	s.Recent = append(s.Recent, now)
	if over := len(s.Recent) - RecentChanges; over > 0 {
		s.CompactedRevision = s.Recent[over-1].Revision
		s.Recent = slices.Clone(s.Recent[over:])
	}
}

// Setting returns a setting, whether it exists, and the index as Read does.
func (s *State) Setting(key string) (found Setting, ok bool, index uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found, ok = s.d.Settings.Values[key]
	return found, ok, s.d.Index
}

// Settings returns the settings whose keys begin with a prefix, by key, and
// the index as Read does.
func (s *State) Settings(prefix string) (all []Setting, index uint64) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, v := range s.d.Settings.Values {
		if strings.HasPrefix(v.Key, prefix) {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b Setting) int { return cmp.Compare(a.Key, b.Key) })
	return all, s.d.Index
}

// SettingsAfter returns the changes after a revision of settings whose keys begin with a
// prefix, in order, and the index as Read does. When after is 0, or so far back that
// changes since are not kept any more, whole is true and the result is that of Settings.
func (s *State) SettingsAfter(prefix string, after uint64) (changes []Setting, whole bool, index uint64) {
	s.mu.RLock()
	if after != 0 && after >= s.d.Settings.CompactedRevision {
		defer s.mu.RUnlock()
		known, _ := slices.BinarySearchFunc(s.d.Settings.Recent, after+1, func(c Setting, r uint64) int { return cmp.Compare(c.Revision, r) })
		for _, c := range s.d.Settings.Recent[known:] {
			if strings.HasPrefix(c.Key, prefix) {
				changes = append(changes, c)
			}
		}
		return changes, false, s.d.Index
	}
	s.mu.RUnlock()
	changes, index = s.Settings(prefix)
	return changes, true, index
}
