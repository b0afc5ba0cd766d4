package bus

import "time"

// compactFor is how long a server tries to compact a log for a peer that is
// back. The library refuses while it catches a peer up, which takes a round of
// two seconds at most.
const compactFor = 15 * time.Second

// back is told when a peer has a route again: it may have led a stream while it
// was cut off, and have entries at the end of its log that nobody else has.
//
// The library takes those back one by one: the peer asks for what follows its
// last entry, finds that the answer does not fit, drops that one entry, and
// asks again when it has heard nothing for two seconds. Twenty messages that
// nobody acknowledged cost it half a minute. A peer that asks for what is no longer in the leader's log
// is sent the stream's state instead, which replaces its own whatever that
// ends with. So every server, one of which leads, compacts its logs now.
// It does not help where less was committed meanwhile than the peer has too
// much; then there is little to take back.
func (w *watcher) back() {
	w.until = time.Now().Add(compactFor)
	w.long = Streams()
}

// compact compacts the logs that are still long.
func (w *watcher) compact() {
	var long []string
	for _, s := range w.long {
		if w.srv.JetStreamSnapshotStream(account, s) != nil && time.Now().Before(w.until) {
			long = append(long, s)
		}
	}
	w.long = long
}
