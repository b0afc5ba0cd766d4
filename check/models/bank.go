package models

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/check/format"
	"github.com/mcp-resilience/holdfast/check/keyindex"
	"github.com/mcp-resilience/holdfast/history"
)

// judgeBank compares the total that each read shows: money moves, and is neither made nor lost. Whether the
// single transfers were done is not judged. A read that is compared with nothing but itself shows nothing.
func (r *Result) judgeBank(k keyindex.Key, total *int64) {
	r.Keys++
	source := "what was asked for"
	var violation []string
	for _, op := range k.Ops {
		if op.Outcome != history.OK || op.Stale {
			continue
		}
		switch op.Kind {
		case history.Open:
			r.Operations++
			if total == nil {
				opened := op.Amount * int64(len(op.Set))
				total, source = &opened, "what the bank was opened with"
			}
		case history.Transfer:
			r.Operations++
		case history.Balances:
			r.Operations++
			sum, err := sumOf(op.Set)
			if err != nil {
				r.Undecided = append(r.Undecided, Undecided{k.Name, err.Error()})
				return
			}
			if total == nil {
				total, source = &sum, "what the first read shows: "+format.Operation(op)
			} else {
				r.compared++
			}
			if sum != *total && violation == nil {
				violation = []string{
					fmt.Sprintf("%s — shows %d altogether, want %d", format.Operation(op), sum, *total),
					fmt.Sprintf("%s: %d is %s", k.Name, *total, source),
				}
			}
		}
	}
	if violation != nil {
		r.Violations = append(r.Violations, Violation{k.Name, violation})
	}
}

// sumOf adds the balances ACCOUNT=AMOUNT.
func sumOf(balances []string) (int64, error) {
	sum := int64(0)
	for _, b := range balances {
		n, err := strconv.ParseInt(b[strings.LastIndexByte(b, '=')+1:], 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the balance %q is no number", b)
		}
		sum += n
	}
	return sum, nil
}
