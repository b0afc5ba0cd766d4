package primarybackup

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// MaxRememberedIDs is how many request ids a journal remembers to recognise retries.
const MaxRememberedIDs = 1 << 16

// memberSets is the state that a journal's records build: sets of members. Each
// member has the index of the record that added it, so the sets can be read as of
// any index.
type memberSets struct {
	sets      map[string]map[string]uint64
	ids       map[string]uint64
	recentIDs []string // oldest first; "" for a record without an id
}

func newMemberSets() *memberSets {
	return &memberSets{sets: map[string]map[string]uint64{}, ids: map[string]uint64{}}
}

// apply adds what a record holds. A record that is not an entry adds nothing.
func (c *memberSets) apply(r Record) {
	var e api.Entry
	if proto.Unmarshal(r.Payload, &e) != nil {
		e = api.Entry{}
	}
	if e.Set != "" {
		set := c.sets[e.Set]
		if set == nil {
			set = map[string]uint64{}
			c.sets[e.Set] = set
		}
		if _, found := set[e.Member]; !found {
			set[e.Member] = r.Index
		}
	}
	if e.Id != "" {
		c.ids[e.Id] = r.Index
	}
	if c.recentIDs = append(c.recentIDs, e.Id); len(c.recentIDs) > MaxRememberedIDs {
		delete(c.ids, c.recentIDs[0])
		c.recentIDs = c.recentIDs[1:]
	}
}

// undo reverts the newest records, which are given oldest first.
func (c *memberSets) undo(rs []Record) {
	for _, r := range slices.Backward(rs) {
		var e api.Entry
		_ = proto.Unmarshal(r.Payload, &e) // what is not an entry has added nothing
		if c.sets[e.Set][e.Member] == r.Index {
			delete(c.sets[e.Set], e.Member)
		}
		delete(c.ids, e.Id)
		if n := len(c.recentIDs); n > 0 {
			c.recentIDs = c.recentIDs[:n-1]
		}
	}
}

// members lists a set as of an index, sorted.
func (c *memberSets) members(set string, asOf uint64) []string {
	var out []string
	for m, index := range c.sets[set] {
		if index <= asOf {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}
