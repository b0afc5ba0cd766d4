package scenarios

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mcp-resilience/holdfast/faults"
)

// Length is the time from the end of the baseline to the last heal.
func (p Plan) Length() time.Duration {
	var end time.Duration
	for _, s := range p.Steps {
		end = max(end, s.At+s.For)
	}
	return end
}

// UnmarshalJSON reads a step; Fault says of which type With is.
func (s *Step) UnmarshalJSON(b []byte) error {
	type plain Step // without this method
	read := struct {
		*plain
		With json.RawMessage `json:"with"`
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(b, &read); err != nil {
		return fmt.Errorf("step: %w", err)
	}
	f, err := faults.New(s.Fault)
	if err != nil {
		return fmt.Errorf("step %s: %w", s.ID, err)
	}
	if len(read.With) > 0 {
		if err := json.Unmarshal(read.With, f); err != nil {
			return fmt.Errorf("step %s: with: %w", s.ID, err)
		}
	}
	s.With = f
	return nil
}
