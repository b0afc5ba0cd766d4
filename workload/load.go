package workload

import "time"

// Load is how much of what is sent. Rates are for each client region.
type Load struct {
	// Reads is reads a second a region; 0 means 30.
	Reads int `json:"reads" yaml:"reads,omitempty"`
	// Writes is writes a second a region (of all kinds, as Mix says); 0 means 30.
	Writes int `json:"writes" yaml:"writes,omitempty"`
	// LocalReads is reads a second a region that the region must answer without a
	// majority, marked stale: registers and settings in turn; 0 means none.
	LocalReads int `json:"localReads,omitempty" yaml:"localReads,omitempty"`
	// Mix is the shares of the write kinds; zero means 40 % write, 20 % cas, 40 % add.
	Mix Mix `json:"mix" yaml:"mix,omitempty"`
	// Class is the target's name for a class of data; keys are then called
	// CLASS/…. Empty means the target's default.
	Class string `json:"class,omitempty" yaml:"class,omitempty"`
	// Consumers is how many consumers of the stream each region has; 0 means none.
	// Each asks for its next messages twice a second, as a part of the reads.
	Consumers int `json:"consumers,omitempty" yaml:"consumers,omitempty"`
	// Keys is how many registers are in use at one time; 0 means 20.
	Keys int `json:"keys" yaml:"keys,omitempty"`
	// OpsPerKey is after how many operations a register is replaced by a fresh
	// one; 0 means 500, at most 1000 (the linearizability check is quadratic in it).
	OpsPerKey int `json:"opsPerKey" yaml:"opsPerKey,omitempty"`
	// Clients is the number of clients in each region; 0 means 4.
	Clients int `json:"clients" yaml:"clients,omitempty"`
	// MaxInFlight is how many operations a region may have under way in each class;
	// 0 means 256. A due operation that finds none is recorded as not sent.
	MaxInFlight int `json:"maxInFlight" yaml:"maxInFlight,omitempty"`
	// ClosedLoop is what the system is put through ahead of the baseline; zero means nothing.
	ClosedLoop ClosedLoop `json:"closedLoop,omitzero" yaml:"closedLoop,omitempty"`
	// Timeout is how long a client waits for one operation; 0 means 2 s.
	Timeout time.Duration `json:"timeout" yaml:"timeout,omitempty"`
}

// Mix is shares of write kinds, in per cent.
type Mix struct {
	Write int `json:"write" yaml:"write"`
	CAS   int `json:"cas" yaml:"cas"`
	Add   int `json:"add" yaml:"add"`
	// Transfer is moves of money between the accounts of one bank. As many of the
	// reads in a hundred read its balances.
	Transfer int `json:"transfer,omitempty" yaml:"transfer"`
	// Publish is messages published to one stream.
	Publish int `json:"publish,omitempty" yaml:"publish"`
}

// SetsOnly says that nothing is written to registers: then none is read, either.
func (l Load) SetsOnly() bool { return l.Mix.setsOnly() }

func (m Mix) setsOnly() bool { return m.Add > 0 && m.Write+m.CAS == 0 }

// Key is the name of a key of the load's class of data.
func (l Load) Key(name string) string {
	if l.Class == "" {
		return name
	}
	return l.Class + "/" + name
}

// Resolve returns the load with every default filled in.
func (l Load) Resolve() Load {
	def := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	def(&l.Reads, 30)
	def(&l.Writes, 30)
	def(&l.Keys, 20)
	def(&l.OpsPerKey, 500)
	def(&l.Clients, 4)
	def(&l.MaxInFlight, 256)
	if l.ClosedLoop.For > 0 {
		def(&l.ClosedLoop.Writers, 32)
	}
	if l.Mix == (Mix{}) {
		l.Mix = Mix{Write: 40, CAS: 20, Add: 40}
	}
	if l.Timeout == 0 {
		l.Timeout = 2 * time.Second
	}
	return l
}
