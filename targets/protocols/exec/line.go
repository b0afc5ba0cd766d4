package exec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/topology"
)

// kindQuery is the kind of a query about a node, which is part of no history.
const kindQuery history.Kind = "query"

// request is a line that the program reads.
type request struct {
	ID        int64        `json:"id"` // to be repeated in the answer
	Kind      history.Kind `json:"kind"`
	Key       string       `json:"key,omitempty"`
	Value     string       `json:"value,omitempty"`
	Expect    *string      `json:"expect,omitempty"` // of a cas; "" means that the register was never written
	From      string       `json:"from,omitempty"`
	To        string       `json:"to,omitempty"`
	Amount    int64        `json:"amount,omitempty"`
	Set       []string     `json:"set,omitempty"`
	Stale     bool         `json:"stale,omitempty"`     // a read that may be answered with old data
	TimeoutMS int64        `json:"timeoutMs,omitempty"` // after which nobody waits for the answer
}

// answer is a line that the program writes.
type answer struct {
	ID       *int64          `json:"id"`
	Outcome  history.Outcome `json:"outcome"`
	Error    string          `json:"error"`    // why the outcome is failed or unknown
	Rejected bool            `json:"rejected"` // with failed: a server said no
	Output   *string         `json:"output"`   // of a read; "" means never written
	Set      *[]string       `json:"set"`      // of members, list, balances, consume and messages
	Applied  *bool           `json:"applied"`  // of cas and transfer
	Node     topology.NodeID `json:"node"`     // that answered, if known
	Term     uint64          `json:"term"`
	Revision uint64          `json:"revision"`
}

var answerFields = []string{"id", "outcome", "error", "rejected", "output", "set", "applied", "node", "term", "revision"}

// parseAnswer reads a line. A field that is misspelled would otherwise pass for an empty value.
func parseAnswer(line []byte) (answer, error) {
	var a answer
	d := json.NewDecoder(bytes.NewReader(line))
	d.DisallowUnknownFields()
	err := d.Decode(&a)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one value on the line")
		}
	}
	if err != nil {
		if _, field, found := strings.Cut(err.Error(), "unknown field "); found {
			if s := suggest.Closest(strings.Trim(field, `"`), answerFields); s != "" {
				err = fmt.Errorf("%w; did you mean %q?", err, s)
			}
		}
		return a, err
	}
	if a.ID == nil {
		return a, errors.New(`it has no "id"`)
	}
	return a, nil
}

// complete fills an operation in from its answer. The error says what the answer lacks.
func (a answer) complete(op history.Op) (history.Op, error) {
	if !slices.Contains([]history.Outcome{history.OK, history.Failed, history.Unknown}, a.Outcome) {
		return op, fmt.Errorf("outcome %q is none of ok, failed, unknown", a.Outcome)
	}
	op.Outcome, op.Node, op.Term, op.Revision = a.Outcome, a.Node, a.Term, a.Revision
	if a.Outcome != history.OK {
		op.Error, op.Rejected = a.Error, a.Rejected && a.Outcome == history.Failed
		if op.Error == "" {
			op.Error = "the client program gives no reason"
		}
		if op.Kind.Class() == history.Reads {
			op.Outcome = history.Failed
		}
		return op, nil
	}
	lacks := ""
	switch op.Kind {
	case history.Read, kindQuery:
		if a.Output != nil {
			op.Output = *a.Output
		} else {
			lacks = "output"
		}
	case history.SetRead, history.ListRead, history.Balances, history.Consume, history.Messages:
		if a.Set != nil {
			op.Set = *a.Set
		} else {
			lacks = "set"
		}
	case history.CAS, history.Transfer:
		if a.Applied != nil {
			op.Applied = *a.Applied
		} else {
			lacks = "applied"
		}
	}
	if lacks != "" {
		return op, fmt.Errorf("an answer ok to %s needs %q", op.Kind, lacks)
	}
	return op, nil
}
