package node

// The defects that a node can be started with, so that whoever tests it can see
// that the test would notice. All are off unless named.
const (
	// AckBeforeReplicate: a leader acknowledges what only it has.
	AckBeforeReplicate = "ack-before-replicate"
	// MuteAlerts: nobody is told of anything.
	MuteAlerts = "mute-alerts"
	// ConfigNoFallback: a gateway knows the main region's configuration centre
	// alone, and does not start without it.
	ConfigNoFallback = "config-no-fallback"
)

// Defects lists the switchable defects.
func Defects() []string {
	return []string{
		AckBeforeReplicate,
		MuteAlerts,
		ConfigNoFallback,
	}
}
