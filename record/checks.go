package record

// Checks lists the ids of the checks that a scenario can expect to fail, in the
// order in which they are judged. Findings on the run as such and on its faults
// are not among them: they say whether the run means anything, and never fail.
func Checks() []string {
	return []string{
		"node crashes", "rto", "rto stages", "rpo", "phantoms", "divergence", "duplicates", "stale reads", "split brain",
		"linearizable", "accounts", "message order", "delivery", "redelivery", "availability", "leader change", "traffic switch", "false alarms",
		"quorum loss rejection", "load shedding", "expected events", "disconnected operation",
	}
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

// CanonicalCheck returns today's id of a check: a former id is translated, and
// anything else is returned as it is.
func CanonicalCheck(id string) string {
	if now, renamed := formerChecks[id]; renamed {
		return now
	}
	return id
}

// CanonicalChecks is CanonicalCheck of each id, in a list of its own.
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
