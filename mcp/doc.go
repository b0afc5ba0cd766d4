// Package mcp is the mission-critical platform: a control plane over three
// regions that promises to be back within 30 s after losing any one of them,
// with nothing lost that it had acknowledged. It holds no code; its parts are the folders below.
//
//	          users                         other nodes
//	            │ SRV "mcp."                     │
//	  client ───┤                                │
//	            ▼                                ▼
//	┌─ node ─ gslb :7453 ─ gateway :7400 ─ consensus :7401 ─ events :7480 ─┐
//	│           │             │   routes        │ commits       ▲ tells    │
//	│           │ weights     │ to the leader   ▼               │          │
//	│           └──────────► state ◄── applied commands         │          │
//	│                          ▲                                │          │
//	│          health ─ suspects ─► arbiter ─ decisions ────────┘          │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Read them in this order:
//
//	api        the wire contract, a .proto a part: what users, operators and nodes ask, Command in the log
//	state      what a command does; deterministic, no clocks, no network
//	consensus  how a command gets committed: raft, strict about what an error proves
//	journal    the classes of data that do not wait for a majority: shipping, fencing, promotion
//	gateway    how a user's call finds the leader, and when it may be tried again
//	health     who does not answer this node, nor a witness elsewhere
//	arbiter    who is lost, as most regions see it; where traffic and leadership go then
//	registry   who serves what, where, and in which role
//	membership who belongs to the platform and who votes: add, remove, replace
//	gslb       DNS answers with those weights, and for each service
//	settings   the configuration centre: what services watch, and its stream
//	bus        the message server in a node, and what the platform promises around it
//	snapshots  copies of the whole state in an object store
//	standby    how a region takes over that does not vote
//	telemetry  metrics, traces, health reports and alerts
//	events     the node's diary
//	sealed     a small file with a checksum, replaced as a whole
//	latest     the latest items of a growing list, served as lines: diary and traces
//	node       all of it put together, flags, graceful stop
//	client     how a Go program uses the platform
//	peers      connections between nodes
//	names      logical names to addresses
//	trust      one secret to an authority, and the certificates it issues
//	identity   who calls: every API is behind its guard
//	mcptest    real nodes as child processes, for tests
//
// A disk is trusted for nothing that can be checked. Entries of the log and of
// the journals, votes, promises, generations and snapshots carry checksums. A node that finds one wrong does not start, and
// says what to do. A tail that was torn off before it was synced is dropped; of
// one that had been synced the node knows, and takes no part in elections until
// a leader has made it good; one that votes alone does not start (consensus/doubt.go).
//
// Limits, known and meant: a node that is started again with a deleted disk votes
// as if it had never promised anything, so losing disks of a majority one after the other,
// faster than they refill, can lose data; one that is removed and added again
// (membership) votes only once it has refilled. Retries are recognised among the last 65,536
// mutations. Every port but one speaks TLS 1.3 and asks who is there; health and
// metrics alone are in the clear, on loopback. Whoever holds the platform's
// secret can be anybody, see trust.
package mcp
