package record

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// Result is verdict.json: the verdict of a run, the finding of each check, and the figures.
type Result struct {
	Verdict          Verdict   `json:"verdict"`         // worst of the findings
	Cause            Cause     `json:"cause,omitempty"` // of a verdict that is unknown or vacuous
	Expected         Verdict   `json:"expected"`
	Aborted          bool      `json:"aborted,omitempty"`          // the run ended before its time
	ExpectedFailures []string  `json:"expectedFailures,omitempty"` // the ids of the checks that must fail
	Findings         []Finding `json:"findings"`

	RTO          *RTO          `json:"rto,omitempty"`
	RPO          *RPO          `json:"rpo,omitempty"`
	Availability *Availability `json:"availability,omitempty"`
	Linearizable *Linearizable `json:"linearizable,omitempty"`
	Alarms       *Alarms       `json:"alarms,omitempty"` // nil when the system reports no events
	Deliveries   []Deliveries  `json:"deliveries,omitempty"`

	// QuorumLoss is when the faults provably left no quorum anywhere: from the proof that they
	// were active to the request of the heal that ended it. One that was never healed ends with
	// the observation.
	QuorumLoss []Span `json:"quorumLoss,omitempty"`

	// Lateness is how punctually the harness sent; nil in results of before it was measured.
	Lateness *Lateness `json:"lateness,omitempty"`

	// SLOParams is the constants the figures were computed with.
	SLOParams SLOParams `json:"sloParams,omitzero"`
}

// Finding is the verdict of one check. Description quotes the figures in a sentence. Evidence has the
// lines that prove it, the most important first.
type Finding struct {
	Check       string   `json:"check"` // an id of Checks, "run", "every kind succeeds", or "fault ID"
	Verdict     Verdict  `json:"verdict"`
	Cause       Cause    `json:"cause,omitempty"` // of a verdict that is unknown or vacuous
	Description string   `json:"description"`
	Evidence    []string `json:"evidence,omitempty"`
	// At is when what decides the verdict happened, where that is one instant; 0 otherwise.
	At time.Duration `json:"at,omitempty"`
}

// RTO is the recovery time and its parts. Its durations are multiples of Resolution.
type RTO struct {
	Objective  time.Duration `json:"objective"`
	Resolution time.Duration `json:"resolution"`
	// Worst is the longest of the eligible series; Recovered is false when one
	// of them found no stable recovery, and then Worst is the time observed.
	Worst     time.Duration `json:"worst"`
	Recovered bool          `json:"recovered"`
	// UpperBound says that the harness or its machine interfered in the recovery, so that the system
	// may have been faster than Worst; Lenient is what it would be without what the interference touched.
	UpperBound bool          `json:"upperBound,omitempty"`
	Lenient    time.Duration `json:"lenient,omitempty"`
	// Over episodes: of the worst series of each.
	Min    time.Duration `json:"min"`
	Median time.Duration `json:"median"`
	Max    time.Duration `json:"max"`
	CutOff int           `json:"cutOff,omitempty"` // acknowledged by a side that could reach no quorum, in all series
	Series []RTOSeries   `json:"series"`
	Stages []Stage       `json:"stages"` // of the worst series' episode, in order of time
}

// WorstSeries is the index of the series that Worst was taken from, or -1 when there is none.
func (o *RTO) WorstSeries() int {
	return slices.IndexFunc(o.Series, func(s RTOSeries) bool { return s.RTO == o.Worst && s.Recovered == o.Recovered })
}

// RTOSeries is the recovery of one client region and class in one episode.
type RTOSeries struct {
	Region   topology.Region `json:"region"`
	Class    history.Class   `json:"class"`
	Episode  int             `json:"episode"`
	Eligible bool            `json:"eligible"` // could reach a majority during the fault
	FromHeal bool            `json:"fromHeal"` // judged from heal: beyond tolerance, not eligible before, or served by the cut-off side
	// CutOff is how many operations were acknowledged by a side that could reach no quorum. They are no
	// service, and the recovery is measured without them.
	CutOff    int  `json:"cutOff,omitempty"`
	Recovered bool `json:"recovered"`
	// RTO is from the request of the disturbance to when the first operation of stable service was
	// answered: never less than what a client waited.
	RTO time.Duration `json:"rto"`
	// BadService is the same up to when that operation was due: how long service was bad.
	BadService time.Duration `json:"badService"`
	// FirstAck is up to the first answer to an operation that was called after the disturbance was active; NotReached without one.
	FirstAck      time.Duration `json:"firstAck"`
	Resolution    time.Duration `json:"resolution"` // the bucket, or the gap between two operations where that is longer
	Ops           int           `json:"ops"`        // due from the request to the end of the stability window
	SinceHeal     time.Duration `json:"sinceHeal"`  // stable recovery from heal requested; Never if before it
	LongestOutage time.Duration `json:"longestOutage"`
	Outages       []Span        `json:"outages"`
	BrownOut      float64       `json:"brownOut"` // share of bad operations outside outages
}

// Lateness is how long after they were due the operations of the load were sent. That is
// the harness's doing, not the system's.
type Lateness struct {
	Ops   int           `json:"ops"`   // of the load's schedule
	Limit time.Duration `json:"limit"` // from which on an operation is late
	Late  int           `json:"late"`  // sent later than that
	P50   time.Duration `json:"p50"`
	P99   time.Duration `json:"p99"`
	Max   time.Duration `json:"max"`
	// Interference is when the harness or its machine may have made operations bad, in
	// order of time: what overlaps it is not charged to the system.
	Interference []Interference `json:"interference,omitempty"`
}

// Interference is a stretch of the run in which the harness or its machine interfered.
type Interference struct {
	Span
	Cause       Cause  `json:"cause"` // harness or environment
	Description string `json:"description"`
}

// Span is a stretch of the run, from From to before To, as offsets from its start.
type Span struct {
	From time.Duration `json:"from"`
	To   time.Duration `json:"to"`
}

// Stage is a part of the recovery: detect, arbitrate, elect, switch, first
// success, stable. From and To are offsets in the run.
type Stage struct {
	Name        string        `json:"name"`
	From        time.Duration `json:"from"`
	To          time.Duration `json:"to"`
	Budget      time.Duration `json:"budget,omitempty"`
	Description string        `json:"description,omitempty"` // the event that ended it
}

// RPO is the acknowledged writes that were lost, and the other violations in what was read back.
type RPO struct {
	Objective        int           `json:"objective"`
	Attempted        int           `json:"attempted"`
	Acked            int           `json:"acked"`
	Unknown          int           `json:"unknown"`
	FinalReads       int           `json:"finalReads"`
	FinalReadsFailed int           `json:"finalReadsFailed"` // and did not succeed when repeated
	LostCount        int           `json:"lostCount"`        // of all; each list here has at most the first thousand
	Lost             []LostWrite   `json:"lost"`
	LossWindow       time.Duration `json:"lossWindow"` // last lost acknowledgement minus first
	// Judged is how many of the acknowledged writes would show in the reads if they were lost: every
	// element of a set that was read back through every node, and of a register what a later read shows or
	// proves lost. 0 in results of before it was counted.
	Judged             int               `json:"judged,omitempty"`
	JudgedDuringFaults int               `json:"judgedDuringFaults,omitempty"` // of these, acknowledged while a fault lasted
	LostDuringFaults   int               `json:"lostDuringFaults,omitempty"`   // of the lost, likewise
	LossGroups         []LossGroup       `json:"lossGroups,omitempty"`         // of all lost writes, the largest first
	Phantoms           []string          `json:"phantoms"`
	Recovered          int               `json:"recovered"` // writes of unknown outcome that took effect
	Diverged           []string          `json:"diverged"`  // final reads that differ, one line each
	Duplicates         []string          `json:"duplicates"`
	StaleReads         []string          `json:"staleReads"`
	SplitBrain         []string          `json:"splitBrain,omitempty"`      // writes acknowledged to a client that could reach no quorum, one line each
	UnreadableNodes    []topology.NodeID `json:"unreadableNodes,omitempty"` // nodes through which nothing could be read back
}

// LostWrite is an acknowledged write that no final read returned, or that was gone before it was overwritten.
type LostWrite struct {
	Op       history.Op `json:"op"`
	Position string     `json:"position"` // "12ms before fault 1-kill"
	// HeldBy are the nodes that returned it to a read during the run, final reads
	// excluded. It is empty when none did, or when the system does not report which node answers.
	HeldBy []topology.NodeID `json:"heldBy"`
	// Missing are the nodes whose final reads do not show it.
	Missing []topology.NodeID `json:"missing"`
	// Proof is the operation that proves the loss of a write that was overwritten later; it is
	// empty where the final reads prove it.
	Proof string `json:"proof,omitempty"`
}

// Availability is the share of good operations of eligible clients, from 0 to 1.
type Availability struct {
	Objective float64              `json:"objective,omitempty"`
	Overall   float64              `json:"overall"`
	CutOff    int                  `json:"cutOff,omitempty"` // acknowledged by a side that could reach no quorum, in all series
	Series    []AvailabilitySeries `json:"series"`
}

// AvailabilitySeries is the availability of one client region and class.
type AvailabilitySeries struct {
	Region           topology.Region `json:"region"`
	Class            history.Class   `json:"class"`
	Due              int             `json:"due"` // operations due while the clients could reach a quorum
	Good             int             `json:"good"`
	DueWithoutQuorum int             `json:"dueWithoutQuorum"` // while the clients could reach no quorum; not part of Due
	// CutOff is how many were acknowledged by a side that could reach no quorum; they count nowhere else.
	CutOff  int `json:"cutOff,omitempty"`
	Dropped int `json:"dropped"`
	// Latency from the intended time, of acknowledged operations.
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
	Max time.Duration `json:"max"`
}

// Alarms counts how often the system reported a node as lost: by one node (EventSuspect)
// or by the system as a whole (EventConfirmed).
type Alarms struct {
	Raised     int      `json:"raised"`
	FalseCount int      `json:"falseCount"` // about nodes that were up and connected
	False      []string `json:"false"`      // the first of these, one line each
}

// Deliveries counts the messages that one consumer of a stream received.
type Deliveries struct {
	Consumer    string `json:"consumer"`              // STREAM/NAME
	Delivered   int    `json:"delivered"`             // messages, each counted once
	Redelivered int    `json:"redelivered,omitempty"` // deliveries of a message that had come before
	Disordered  int    `json:"disordered,omitempty"`  // messages that came for the first time after a later one
	Missing     int    `json:"missing,omitempty"`     // messages that were acknowledged, are in the stream, and never came
	Unexpected  int    `json:"unexpected,omitempty"`  // messages that came and are not in the stream
}

// Linearizable is what the check of linearizability covered.
type Linearizable struct {
	Keys      int      `json:"keys"`
	Ops       int      `json:"ops"`
	Violating []string `json:"violating"` // keys
	Undecided []string `json:"undecided"` // keys out of time or memory
	// StaleReads is the number of reads that asked for possibly stale data; they are not judged here.
	StaleReads int `json:"staleReads,omitempty"`
}
