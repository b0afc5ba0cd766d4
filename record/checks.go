package record

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// Checks lists the ids of the checks that a scenario can expect to fail, in the
// order in which they are judged. The findings on the run as such and on its faults
// are not among them: they are about the validity of the run, and never fail.
func Checks() []string {
	return []string{
		"node crashes", "rto", "rto stages", "rpo", "phantoms", "divergence", "duplicates", "stale reads", "split brain",
		"linearizable", "accounts", "message order", "delivery", "redelivery", "availability", "latency", "leader change", "traffic switch", "false alarms",
		"quorum loss rejection", "load shedding", "expected events", "disconnected operation",
	}
}

// ParseChecks returns the present ids of checks that somebody wrote down. The error names the first
// that there is not, and the nearest that there is.
func ParseChecks(ids []string) ([]string, error) {
	out := CanonicalChecks(ids)
	for i, id := range out {
		if slices.Contains(Checks(), id) {
			continue
		}
		err := fmt.Errorf("there is no check %q; there are %s", ids[i], strings.Join(Checks(), ", "))
		if n := suggest.Closest(id, Checks()); n != "" {
			err = fmt.Errorf("%w; did you mean %q?", err, n)
		}
		return nil, err
	}
	return out, nil
}

// formerChecks are the ids that scenario files and stored runs of earlier
// versions use.
var formerChecks = map[string]string{
	"nodes":    "node crashes",
	"switch":   "traffic switch",
	"refuse":   "quorum loss rejection",
	"shed":     "load shedding",
	"tells":    "expected events",
	"autonomy": "disconnected operation",
}

// FormerChecks lists the ids of earlier versions that are still read, sorted.
func FormerChecks() []string { return slices.Sorted(maps.Keys(formerChecks)) }

// CanonicalCheck returns the present id of a check: a former id is translated, and
// anything else is returned unchanged.
func CanonicalCheck(id string) string {
	if now, renamed := formerChecks[id]; renamed {
		return now
	}
	return id
}

// CanonicalChecks applies CanonicalCheck to each id and returns a new list.
func CanonicalChecks(ids []string) []string {
	if ids == nil {
		return nil
	}
	out := make([]string, len(ids))
	for i, id := range ids {
		out[i] = CanonicalCheck(id)
	}
	return out
}
