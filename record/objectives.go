package record

import "time"

// Objectives are the promises a run is judged by. Resolve fills the defaults;
// inside the engine values are complete.
type Objectives struct {
	// RTO is the longest time from a fault's request to stable recovery; 0 means 30 s.
	RTO time.Duration `json:"rto" yaml:"rto,omitempty"`
	// RPO is the number of acknowledged writes that may be lost.
	RPO int `json:"rpo" yaml:"rpo,omitempty"`
	// Availability is the least share of good operations of eligible clients
	// between the first fault and the end of observation; 0 means: reported, not judged.
	Availability float64 `json:"availability,omitempty" yaml:"availability,omitempty"`
	// Linearizable asks for linearizable registers and sets; nil means true.
	Linearizable *bool `json:"linearizable,omitempty" yaml:"linearizable,omitempty"`
	// LeaderChange true asserts that a leader was elected after the first fault,
	// false that none was; nil asserts nothing.
	LeaderChange *bool `json:"leaderChange,omitempty" yaml:"leaderChange,omitempty"`
	// TrafficSwitch true asserts that traffic was moved after the first fault, false
	// that it never was; nil asserts nothing.
	TrafficSwitch *bool `json:"trafficSwitch,omitempty" yaml:"trafficSwitch,omitempty"`
	// FalseAlarms is how often the system may take a node for dead that was up
	// and connected; nil means: reported, not judged.
	FalseAlarms *int `json:"falseAlarms,omitempty" yaml:"falseAlarms,omitempty"`
	// Redelivered is how many messages one consumer may be handed more than
	// once; nil means: reported, not judged.
	Redelivered *int `json:"redelivered,omitempty" yaml:"redelivered,omitempty"`
	// RejectWithoutQuorum asserts that while no majority lives no write is acknowledged, and
	// that at least one was refused.
	RejectWithoutQuorum bool `json:"rejectWithoutQuorum,omitempty" yaml:"rejectWithoutQuorum,omitempty"`
	// LoadShedding asserts that of the calls that came in while a fault starved the system
	// some were refused for want of resources, and quickly.
	LoadShedding bool `json:"loadShedding,omitempty" yaml:"loadShedding,omitempty"`
	// ExpectEvents are events that the system must tell of in this order, others between
	// them or not, in each episode after its first fault was requested.
	ExpectEvents []EventPattern `json:"expectEvents,omitempty" yaml:"expectEvents,omitempty"`
	// DisconnectedOperation asserts that while a region's clients can reach no majority the
	// region refuses their writes at once and answers edge reads, and that it serves again after the heal.
	DisconnectedOperation bool `json:"disconnectedOperation,omitempty" yaml:"disconnectedOperation,omitempty"`
	// Stages are budgets for the parts of RTO, by name: detect, arbitrate,
	// elect, switch, first success, stable.
	Stages map[string]time.Duration `json:"stages,omitempty" yaml:"stages,omitempty"`
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
