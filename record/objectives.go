package record

import "time"

// Objectives are what a run is judged by. The zero value has the defaults named at each
// field; Resolve fills them in.
type Objectives struct {
	// RTO is the longest time from a fault's request to stable recovery; 0 means 30 s.
	RTO time.Duration `json:"rto" yaml:"rto,omitempty"`
	// RPO is the number of acknowledged writes that may be lost; 0 means none.
	RPO int `json:"rpo" yaml:"rpo,omitempty"`
	// GoodLatency is the longest an operation may take and still be good, Bucket the width of the buckets that
	// good operations are counted in, and Stable how long service must stay good to count as recovered.
	// 0 means the default of SLOParams.
	GoodLatency time.Duration `json:"goodLatency,omitempty" yaml:"goodLatency,omitempty"`
	Bucket      time.Duration `json:"bucket,omitempty" yaml:"bucket,omitempty"`
	Stable      time.Duration `json:"stable,omitempty" yaml:"stable,omitempty"`
	// Latency bounds percentiles of the latency of acknowledged operations between the first fault
	// and the end of observation, by name: p50, p90, p99, p99.9, max. It includes the time
	// in which the fault lasts, and clients that can reach a quorum only.
	Latency map[string]time.Duration `json:"latency,omitempty" yaml:"latency,omitempty"`
	// Availability is the least share of good operations of eligible clients
	// between the first fault and the end of observation, from 0 to 1; 0 means that it is reported and not judged.
	Availability float64 `json:"availability,omitempty" yaml:"availability,omitempty"`
	// Linearizable asks for linearizable registers and sets; nil means true.
	Linearizable *bool `json:"linearizable,omitempty" yaml:"linearizable,omitempty"`
	// LeaderChange true asserts that a leader was elected after the first fault,
	// false that none was; nil asserts nothing.
	LeaderChange *bool `json:"leaderChange,omitempty" yaml:"leaderChange,omitempty"`
	// TrafficSwitch true asserts that traffic was moved after the first fault, false
	// that it never was; nil asserts nothing.
	TrafficSwitch *bool `json:"trafficSwitch,omitempty" yaml:"trafficSwitch,omitempty"`
	// FalseAlarms is how often the system may report a node as lost that was up
	// and connected; nil means that this is reported and not judged.
	FalseAlarms *int `json:"falseAlarms,omitempty" yaml:"falseAlarms,omitempty"`
	// Redelivered is how many messages one consumer may receive more than
	// once; nil means that this is reported and not judged.
	Redelivered *int `json:"redelivered,omitempty" yaml:"redelivered,omitempty"`
	// RejectWithoutQuorum asserts that while there is no quorum no write is acknowledged, and
	// that at least one is rejected.
	RejectWithoutQuorum bool `json:"rejectWithoutQuorum,omitempty" yaml:"rejectWithoutQuorum,omitempty"`
	// LoadShedding asserts that the system, while a fault takes resources from it, rejects some
	// calls for lack of resources, and does so quickly.
	LoadShedding bool `json:"loadShedding,omitempty" yaml:"loadShedding,omitempty"`
	// ExpectEvents are events that the system must report in this order in each episode
	// after its first fault was requested. Other events may lie between them.
	ExpectEvents []EventPattern `json:"expectEvents,omitempty" yaml:"expectEvents,omitempty"`
	// DisconnectedOperation asserts that while a region's clients can reach no quorum the
	// region rejects their writes at once and answers local reads, and that it serves again after the heal.
	DisconnectedOperation bool `json:"disconnectedOperation,omitempty" yaml:"disconnectedOperation,omitempty"`
	// StaleReads and SplitBrain allow what a system that replicates asynchronously, or that serves on
	// both sides of a partition, does by design: reads that miss an earlier acknowledgement, and writes
	// acknowledged to clients that could reach no quorum. nil allows none.
	StaleReads *StaleReads `json:"staleReads,omitempty" yaml:"staleReads,omitempty"`
	SplitBrain *SplitBrain `json:"splitBrain,omitempty" yaml:"splitBrain,omitempty"`
	// Stages are budgets for the parts of RTO, by name: detect, arbitrate,
	// elect, switch, first success, stable.
	Stages map[string]time.Duration `json:"stages,omitempty" yaml:"stages,omitempty"`
}

// SLO returns the constants with those that the objectives set.
func (o Objectives) SLO(d SLOParams) SLOParams {
	for _, v := range []struct {
		to  *time.Duration
		set time.Duration
	}{{&d.Latency, o.GoodLatency}, {&d.Bucket, o.Bucket}, {&d.Stable, o.Stable}} {
		if v.set > 0 {
			*v.to = v.set
		}
	}
	return d.Resolve()
}

// StaleReads says which stale reads are no failure: all, or those that miss nothing that was
// acknowledged longer than MaxAge before the read was called.
type StaleReads struct {
	Allowed bool          `json:"allowed,omitempty" yaml:"allowed,omitempty"`
	MaxAge  time.Duration `json:"maxAge,omitempty" yaml:"maxAge,omitempty"`
}

// SplitBrain says whether writes acknowledged without a quorum are no failure.
type SplitBrain struct {
	Allowed bool `json:"allowed" yaml:"allowed"`
}

// Percentiles are the names that Objectives.Latency knows, each with its share of operations
// that are at most as slow, in percent.
func Percentiles() map[string]float64 {
	return map[string]float64{"p50": 50, "p90": 90, "p99": 99, "p99.9": 99.9, "max": 100}
}

// Resolve returns the objectives with every default filled in.
func (o Objectives) Resolve() Objectives {
	if o.RTO == 0 {
		o.RTO = 30 * time.Second
	}
	if o.Linearizable == nil {
		yes := true
		o.Linearizable = &yes
	}
	return o
}
