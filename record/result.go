package record

import (
	"slices"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// Result is verdict.json: the verdict of a run, the finding of each check, and the figures.
type Result struct {
	Verdict          Verdict   `json:"verdict"` // worst of the findings
	Expected         Verdict   `json:"expected"`
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

	// SLOParams is the constants the figures were computed with.
	SLOParams SLOParams `json:"sloParams,omitzero"`
}

// Finding is the verdict of one check. Description quotes the figures in a sentence. Evidence has the
// lines that prove it, the most important first.
type Finding struct {
	Check       string   `json:"check"` // an id of Checks, "run", "every kind succeeds", or "fault ID"
	Verdict     Verdict  `json:"verdict"`
	Description string   `json:"description"`
	Evidence    []string `json:"evidence,omitempty"`
}

// RTO is the recovery time and its parts. Its durations are multiples of Resolution.
type RTO struct {
	Objective  time.Duration `json:"objective"`
	Resolution time.Duration `json:"resolution"`
	// Worst is the longest of the eligible series; Recovered is false when one
	// of them found no stable recovery, and then Worst is the time observed.
	Worst     time.Duration `json:"worst"`
	Recovered bool          `json:"recovered"`
	// Over episodes: of the worst series of each.
	Min    time.Duration `json:"min"`
	Median time.Duration `json:"median"`
	Max    time.Duration `json:"max"`
	Series []RTOSeries   `json:"series"`
	Stages []Stage       `json:"stages"` // of the worst series' episode, in order of time
}

// WorstSeries is the index of the series that Worst was taken from, or -1 when there is none.
func (o *RTO) WorstSeries() int {
	return slices.IndexFunc(o.Series, func(s RTOSeries) bool { return s.RTO == o.Worst && s.Recovered == o.Recovered })
}

// RTOSeries is the recovery of one client region and class in one episode.
type RTOSeries struct {
	Region        topology.Region `json:"region"`
	Class         history.Class   `json:"class"`
	Episode       int             `json:"episode"`
	Eligible      bool            `json:"eligible"` // its clients could reach a quorum during the fault
	FromHeal      bool            `json:"fromHeal"` // judged from heal: beyond tolerance, or not eligible before
	Recovered     bool            `json:"recovered"`
	RTO           time.Duration   `json:"rto"`
	FirstAck      time.Duration   `json:"firstAck"`  // from the request to the first acknowledgement after the first bad bucket, or NotReached
	SinceHeal     time.Duration   `json:"sinceHeal"` // from the request of the heal to the stable recovery, or NotReached where that came before
	LongestOutage time.Duration   `json:"longestOutage"`
	Outages       []Span          `json:"outages"`
	BrownOut      float64         `json:"brownOut"` // share of bad operations outside outages
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
	Objective        int               `json:"objective"`
	Attempted        int               `json:"attempted"`
	Acked            int               `json:"acked"`
	Unknown          int               `json:"unknown"`
	FinalReads       int               `json:"finalReads"`
	FinalReadsFailed int               `json:"finalReadsFailed"` // and did not succeed when repeated
	LostCount        int               `json:"lostCount"`        // of all; each list here has at most the first thousand
	Lost             []LostWrite       `json:"lost"`
	LossWindow       time.Duration     `json:"lossWindow"` // last lost acknowledgement minus first
	Phantoms         []string          `json:"phantoms"`
	Recovered        int               `json:"recovered"` // writes of unknown outcome that took effect
	Diverged         []string          `json:"diverged"`  // final reads that differ, one line each
	Duplicates       []string          `json:"duplicates"`
	StaleReads       []string          `json:"staleReads"`
	SplitBrain       []string          `json:"splitBrain,omitempty"`      // writes acknowledged to a client that could reach no quorum, one line each
	UnreadableNodes  []topology.NodeID `json:"unreadableNodes,omitempty"` // nodes through which nothing could be read back
}

// LostWrite is an acknowledged write that no final read returned.
type LostWrite struct {
	Op       history.Op `json:"op"`
	Position string     `json:"position"` // "12ms before fault 1-kill"
	// HeldBy are the nodes that returned it to a read during the run, final reads
	// excluded. It is empty when none did, or when the system does not report which node answers.
	HeldBy []topology.NodeID `json:"heldBy"`
	// Missing are the nodes whose final reads do not show it.
	Missing []topology.NodeID `json:"missing"`
}

// Availability is the share of good operations of eligible clients, from 0 to 1.
type Availability struct {
	Objective float64              `json:"objective,omitempty"`
	Overall   float64              `json:"overall"`
	Series    []AvailabilitySeries `json:"series"`
}

// AvailabilitySeries is the availability of one client region and class.
type AvailabilitySeries struct {
	Region   topology.Region `json:"region"`
	Class    history.Class   `json:"class"`
	Due      int             `json:"due"` // operations due while eligible
	Good     int             `json:"good"`
	Minority int             `json:"minority"` // due while not eligible
	Dropped  int             `json:"dropped"`
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
