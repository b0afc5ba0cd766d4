package history

import (
	"cmp"
	"encoding/json"

	"github.com/mcp-resilience/holdfast/topology"
)

// UnmarshalJSON reads an operation with the present names, or with those of
// histories from before the record's schema 2.
func (op *Op) UnmarshalJSON(b []byte) error {
	type plain Op // without this method
	stored := struct {
		plain
		Answered bool            `json:"answered"`
		Swapped  bool            `json:"swapped"`
		Via      topology.NodeID `json:"via"`
	}{plain: plain(*op)}
	if err := json.Unmarshal(b, &stored); err != nil {
		return err
	}
	*op = Op(stored.plain)
	op.Rejected = op.Rejected || stored.Answered
	op.Applied = op.Applied || stored.Swapped
	op.ReadThrough = cmp.Or(op.ReadThrough, stored.Via)
	return nil
}
