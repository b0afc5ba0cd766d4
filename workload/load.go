package workload

import "time"

// Load says which operations are sent at which rate. Rates are for each client region.
type Load struct {
	// Reads is the reads per second and region; 0 means 30.
	Reads int `json:"reads" yaml:"reads,omitempty"`
	// Writes is the writes per second and region, of all kinds in Mix together; 0 means 30.
	Writes int `json:"writes" yaml:"writes,omitempty"`
	// LocalReads is the reads per second and region that the region must answer even
	// without a majority, marked as stale; 0 means none.
	LocalReads int `json:"localReads,omitempty" yaml:"localReads,omitempty"`
	// Mix is the share of each kind of write; zero means 40 % write, 20 % cas, 40 % add.
	Mix Mix `json:"mix" yaml:"mix,omitempty"`
	// Class is the target's name for a class of data; the names of keys then begin
	// with CLASS/. Empty means the target's default.
	Class string `json:"class,omitempty" yaml:"class,omitempty"`
	// Consumers is the number of consumers of the stream in each region; 0 means none.
	// Each polls for messages twice a second, as a part of the reads.
	Consumers int `json:"consumers,omitempty" yaml:"consumers,omitempty"`
	// Keys is the number of registers in use at a time; 0 means 20.
	Keys int `json:"keys" yaml:"keys,omitempty"`
	// OpsPerKey is the number of operations after which a register is replaced by a
	// new one; 0 means 500, at most 1000 (the linearizability check is quadratic in it).
	OpsPerKey int `json:"opsPerKey" yaml:"opsPerKey,omitempty"`
	// Clients is the number of clients in each region; 0 means 4.
	Clients int `json:"clients" yaml:"clients,omitempty"`
	// MaxInFlight is the number of operations of each class that a region can have in
	// flight; 0 means 256. An operation that is due beyond that is recorded as not sent.
	MaxInFlight int `json:"maxInFlight" yaml:"maxInFlight,omitempty"`
	// ClosedLoop measures the capacity of the system before the baseline; zero means that
	// it is not measured.
	ClosedLoop ClosedLoop `json:"closedLoop,omitzero" yaml:"closedLoop,omitempty"`
	// Timeout is how long a client waits for one operation; 0 means 2 s.
	Timeout time.Duration `json:"timeout" yaml:"timeout,omitempty"`
}

// Mix is the share of each kind of write, in per cent.
type Mix struct {
	Write int `json:"write" yaml:"write"`
	CAS   int `json:"cas" yaml:"cas"`
	Add   int `json:"add" yaml:"add"`
	// Transfer moves money between two accounts. The same percentage of the reads
	// reads all balances.
	Transfer int `json:"transfer,omitempty" yaml:"transfer"`
	// Publish publishes a message to the stream.
	Publish int `json:"publish,omitempty" yaml:"publish"`
	// Append appends a value to a list. The same percentage of the reads reads a list.
	Append int `json:"append,omitempty" yaml:"append"`
}

// SetsOnly says that nothing is written to registers; then none is read either.
func (l Load) SetsOnly() bool { return l.Mix.setsOnly() }

// ListsOnly says that nothing is written to registers and sets, and something to lists.
func (l Load) ListsOnly() bool { m := l.Mix; return m.Append > 0 && m.Write+m.CAS+m.Add == 0 }

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
