package node

// The defects that a node can be started with, so that whoever tests it can see
// that the test would notice. All are off unless named.
const (
	// AckBeforeReplicate: a leader acknowledges what only it has.
	AckBeforeReplicate = "ack-before-replicate"
	// MuteAlerts: nobody is told of anything.
	MuteAlerts = "mute-alerts"
)

// Defects lists the switchable defects.
func Defects() []string {
	return []string{
		AckBeforeReplicate,
		MuteAlerts,
	}
}
