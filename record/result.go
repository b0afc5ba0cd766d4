package record

import (
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// Result is verdict.json: every promise, its verdict and its evidence.
type Result struct {
	Verdict          Verdict   `json:"verdict"` // worst of the findings
	Expected         Verdict   `json:"expected"`
	ExpectedFailures []string  `json:"expectedFailures,omitempty"` // the promises that must be broken, as findings call them
	Findings         []Finding `json:"findings"`

	RTO          *RTO          `json:"rto,omitempty"`
	RPO          *RPO          `json:"rpo,omitempty"`
	Availability *Availability `json:"availability,omitempty"`
	Linearizable *Linearizable `json:"linearizable,omitempty"`
	Alarms       *Alarms       `json:"alarms,omitempty"` // nil when the system tells nothing of itself
	Deliveries   []Deliveries  `json:"deliveries,omitempty"`

	// QuorumLoss is when the faults provably left no quorum anywhere: from the proof that they
	// were active to the request of the heal that ended it. One that was never healed ends with
	// the observation.
	QuorumLoss []Span `json:"quorumLoss,omitempty"`

	// SLOParams is the constants the figures were computed with.
	SLOParams SLOParams `json:"sloParams,omitzero"`
}

// Finding is the verdict on one promise. Says quotes the figures; Evidence
// holds what a reader needs to see for himself, most telling first.
type Finding struct {
	Check       string   `json:"check"` // rto, rpo, linearizable, availability, fault ID, …
	Verdict     Verdict  `json:"verdict"`
	Description string   `json:"description"`
	Evidence    []string `json:"evidence,omitempty"`
}

// RTO is the recovery time and its parts. Durations are accurate to Resolution.
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

// RTOSeries is the recovery of one client region and class in one episode.
type RTOSeries struct {
	Region        topology.Region `json:"region"`
	Class         history.Class   `json:"class"`
	Episode       int             `json:"episode"`
	Eligible      bool            `json:"eligible"` // could reach a majority during the fault
	FromHeal      bool            `json:"fromHeal"` // judged from heal: beyond tolerance, or not eligible before
	Recovered     bool            `json:"recovered"`
	RTO           time.Duration   `json:"rto"`
	FirstAck      time.Duration   `json:"firstAck"`  // after the first bad bucket, from request; Never
	SinceHeal     time.Duration   `json:"sinceHeal"` // stable recovery from heal requested; Never if before it
	LongestOutage time.Duration   `json:"longestOutage"`
	Outages       []Span          `json:"outages"`
	BrownOut      float64         `json:"brownOut"` // share of bad operations outside outages
}

// Span is a stretch of the run.
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

// RPO is the data that was acknowledged and is gone, and its kin.
type RPO struct {
	Objective        int               `json:"objective"`
	Attempted        int               `json:"attempted"`
	Acked            int               `json:"acked"`
	Unknown          int               `json:"unknown"`
	FinalReads       int               `json:"finalReads"`
	FinalReadsFailed int               `json:"finalReadsFailed"` // and not repeated with success
	LostCount        int               `json:"lostCount"`        // all of them; each list here holds the first thousand at most
	Lost             []LostWrite       `json:"lost"`
	LossWindow       time.Duration     `json:"lossWindow"` // last lost acknowledgement minus first
	Phantoms         []string          `json:"phantoms"`
	Recovered        int               `json:"recovered"` // unknown, and there
	Diverged         []string          `json:"diverged"`  // final reads that differ, one line each
	Duplicates       []string          `json:"duplicates"`
	StaleReads       []string          `json:"staleReads"`
	SplitBrain       []string          `json:"splitBrain,omitempty"`      // acknowledged to a client that could reach no majority
	UnreadableNodes  []topology.NodeID `json:"unreadableNodes,omitempty"` // nodes through which nothing could be read back
}

// LostWrite is an acknowledged write that no final read returned.
type LostWrite struct {
	Op       history.Op `json:"op"`
	Position string     `json:"position"` // "12ms before fault 1-kill"
	// HeldBy are the nodes on which it was seen during the run: those that gave
	// answers to reads, other than final ones, that show it. It is empty when none did, or
	// when the system does not say which node answers.
	HeldBy []topology.NodeID `json:"heldBy"`
	// Missing are the nodes whose final reads do not show it.
	Missing []topology.NodeID `json:"missing"`
}

// Availability is the share of good operations of eligible clients.
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

// Alarms is how often the system took a node for dead, in the opinion of one
// node (suspect) or of all (confirmed).
type Alarms struct {
	Raised     int      `json:"raised"`
	FalseCount int      `json:"falseCount"` // about nodes that were up and connected
	False      []string `json:"false"`      // the first of these, in words
}

// Deliveries is what one consumer of a stream was handed.
type Deliveries struct {
	Consumer    string `json:"consumer"`              // STREAM/NAME
	Delivered   int    `json:"delivered"`             // messages, each counted once
	Redelivered int    `json:"redelivered,omitempty"` // times that one came again
	Disordered  int    `json:"disordered,omitempty"`  // came for the first time after a later one
	Missing     int    `json:"missing,omitempty"`     // acknowledged, held by the stream, and never came
	Unexpected  int    `json:"unexpected,omitempty"`  // came, and the stream does not hold them
}

// Linearizable is what the checker covered.
type Linearizable struct {
	Keys      int      `json:"keys"`
	Ops       int      `json:"ops"`
	Violating []string `json:"violating"` // keys
	Undecided []string `json:"undecided"` // keys out of time or memory
	// StaleReads is how many reads asked to be stale; they are not judged here.
	StaleReads int `json:"staleReads,omitempty"`
}
