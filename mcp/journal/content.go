package journal

import (
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Remembered is how many ids a journal keeps to recognise retries.
const Remembered = 1 << 16

// content is what a journal's records amount to: sets whose members bear the index of
// the record that added them, so that a reader can be shown the sets as of any index.
type content struct {
	sets   map[string]map[string]uint64
	ids    map[string]uint64
	recent []string // ids, oldest first; "" for a record without one
}

func newContent() *content {
	return &content{sets: map[string]map[string]uint64{}, ids: map[string]uint64{}}
}

// add takes up a record; what is not an entry adds nothing.
func (c *content) add(r Record) {
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
		if _, there := set[e.Member]; !there {
			set[e.Member] = r.Index
		}
	}
	if e.Id != "" {
		c.ids[e.Id] = r.Index
	}
	if c.recent = append(c.recent, e.Id); len(c.recent) > Remembered {
		delete(c.ids, c.recent[0])
		c.recent = c.recent[1:]
	}
}

// remove takes back the newest records, which are given oldest first.
func (c *content) remove(rs []Record) {
	for _, r := range slices.Backward(rs) {
		var e api.Entry
		_ = proto.Unmarshal(r.Payload, &e) // as for add
		if c.sets[e.Set][e.Member] == r.Index {
			delete(c.sets[e.Set], e.Member)
		}
		delete(c.ids, e.Id)
		if n := len(c.recent); n > 0 {
			c.recent = c.recent[:n-1]
		}
	}
}

// members lists a set as of an index, sorted.
func (c *content) members(set string, asOf uint64) []string {
	var out []string
	for m, index := range c.sets[set] {
		if index <= asOf {
			out = append(out, m)
		}
	}
	slices.Sort(out)
	return out
}
