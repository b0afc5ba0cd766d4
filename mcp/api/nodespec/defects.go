package nodespec

// The defects that a node can be started with, so that whoever tests it can see
// that the test would notice. All are off unless named.
const (
	// AckBeforeReplicate: a leader acknowledges what only it has.
	AckBeforeReplicate = "ack-before-replicate"
	// AckBeforeSync: what is acknowledged is in memory, and on no disk yet.
	AckBeforeSync = "ack-before-sync"
	// SyncLater: what is acknowledged is written, and synced a moment later.
	SyncLater = "sync-later"
	// FollowerReads: reads are answered from the asked node's own state; nobody asks the leader.
	FollowerReads = "follower-reads"
	// SkipArbitration: a region that hears no other decides alone that they are lost, and leads by itself.
	SkipArbitration = "skip-arbitration"
	// NeverSwitch: traffic stays where it is, whoever is lost.
	NeverSwitch = "never-switch"
	// ProbeSelf: a node probes nobody but itself.
	ProbeSelf = "probe-self"
	// HairTrigger: one strike makes a suspect, and no witness is asked.
	HairTrigger = "hair-trigger"
	// StaleRegistry: a node registers once, and not when its roles change.
	StaleRegistry = "stale-registry"
	// NoSnapshots: nothing is put into the object store.
	NoSnapshots = "no-snapshots"
	// BusAckEarly: the bus acknowledges a message that no server has kept yet.
	BusAckEarly = "bus-ack-early"
	// LoseJournalTail: a node that starts drops the last records of its journals.
	LoseJournalTail = "lose-journal-tail"
	// ForgetIdempotency: the ids of mutations are not remembered, so a retry is applied again.
	ForgetIdempotency = "forget-idempotency"
	// NoShedding: a starved gateway takes every call on.
	NoShedding = "no-shedding"
	// MuteAlerts: no alert is sent.
	MuteAlerts = "mute-alerts"
	// ConfigNoFallback: a gateway knows the main region's configuration centre
	// alone, and does not start without it.
	ConfigNoFallback = "config-no-fallback"
	// EdgeBlind: a node that is cut off refuses what it could answer, too.
	EdgeBlind = "edge-blind"
	// VerifyAtIssuer: a token is judged by asking the node that issued it.
	VerifyAtIssuer = "verify-at-issuer"
)

// Defects lists the switchable defects.
func Defects() []string {
	return []string{
		AckBeforeReplicate, AckBeforeSync, SyncLater,
		FollowerReads, SkipArbitration, NeverSwitch, ProbeSelf, HairTrigger, StaleRegistry, NoSnapshots,
		BusAckEarly,
		LoseJournalTail,
		ForgetIdempotency, NoShedding,
		MuteAlerts,
		ConfigNoFallback,
		EdgeBlind,
		VerifyAtIssuer,
	}
}
