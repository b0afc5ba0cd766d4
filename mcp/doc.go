// Package mcp is the mission-critical platform, the reference system under test: a
// control plane over three regions that promises to recover within 30 s from the loss
// of any one region, without losing anything it has acknowledged. The package holds no
// code; the parts are the folders below.
//
//	          users                         other nodes
//	            │ SRV "mcp."                     │
//	  client ───┤                                │
//	            ▼                                ▼
//	┌─ node ─ gslb :7453 ─ gateway :7400 ─ consensus :7401 ─ events :7480 ─┐
//	│           │             │   routes        │ commits       ▲ records  │
//	│           │ weights     │ to the leader   ▼               │          │
//	│           └──────────► state ◄── applied commands         │          │
//	│                          ▲                                │          │
//	│          health ─ suspects ─► arbiter ─ decisions ────────┘          │
//	└──────────────────────────────────────────────────────────────────────┘
//
// Read them in this order:
//
//	api         the wire contract: a .proto file for each part, and what dialling a node needs
//	            (nodespec: ports, roles, profiles, defects by name; events: kinds of events)
//	state       what a command does; deterministic, without clocks or network
//	consensus   how a command is committed: raft, strict about what an error proves
//	primarybackup  the classes of data that do not wait for a majority: replication, fencing, promotion
//	gateway     how a user's call finds the leader, and when it may be retried
//	health      which nodes answer neither this node nor a witness in another region
//	arbiter     which nodes are lost, by a majority of regions; where traffic and leadership move
//	registry    which node serves what, where, and in which role
//	membership  which nodes belong to the platform and which vote: add, remove, replace
//	gslb        DNS answers with the regions' weights, and for each service
//	settings    the config server and its watch stream
//	bus         the message server in a node
//	snapshots   copies of the whole state in an object store
//	standby     how a region takes over that does not vote
//	telemetry   metrics, traces, health reports and alerts
//	eventlog    the node's own events, kept in memory and served
//	checkedfile a small file with a checksum, replaced as a whole
//	tailbuffer  the latest items of a growing list, streamed as lines: events and traces
//	node        all of it put together, flags, graceful stop
//	client      how a Go program uses the platform
//	resolver    logical names to addresses
//	pki         from one secret to an authority, and the certificates it issues
//	identity    who calls: every API is behind its guard
//	mcptest     real nodes as child processes, for tests
//
// The disk is not trusted where it can be checked. Entries of the log and of the
// journals, votes, epochs and snapshots carry checksums. A node that finds one wrong
// does not start, and its error says what to do. A tail that a crash tore off before it was
// synced is dropped. Of a tail that was lost after it had been synced the node knows,
// and it takes no part in elections until a leader has restored it; a node that votes
// alone does not start in that case (consensus/lost_tail_guard.go).
//
// Known limits: a node that is started again with a deleted disk votes as if it had
// never voted before, so deleting the disks of a majority one after the other, faster than they
// refill, can lose data; one that is removed and added again (membership) votes only
// once it has refilled. Retries are recognised among the last 65,536 mutations. Every
// port but one speaks TLS 1.3 and asks for a certificate or a token; only health and
// metrics are in the clear, on loopback. Whoever holds the platform's secret can act
// as anybody, see pki.
package mcp
