package record

import "time"

// Definition is the constants in the definitions of outage and recovery. Zero
// values mean the defaults named.
type Definition struct {
	// Bucket is the width of a bucket of operations by intended time, and the
	// resolution of every recovery figure; 0 means 100 ms.
	Bucket time.Duration `json:"bucket"`
	// Latency is the longest an operation may take from its intended time and
	// still be good; 0 means 1 s.
	Latency time.Duration `json:"latency"`
	// Good is the least share of good operations of a good bucket; 0 means 0.99.
	Good float64 `json:"good"`
	// Merge is the gap below which two outages are one; 0 means 1 s.
	Merge time.Duration `json:"merge"`
	// Stable is the length of the stability window; 0 means 5 s.
	Stable time.Duration `json:"stable"`
	// Throughput is the least share of the baseline's throughput in a
	// stability window; 0 means 0.9.
	Throughput float64 `json:"throughput"`
	// Floor is the least share of good operations of a baseline that recovery
	// can be measured against; 0 means 0.95.
	Floor float64 `json:"floor"`
}

// Resolve returns the definition with every default filled in.
func (d Definition) Resolve() Definition {
	length := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	share := func(v *float64, def float64) {
		if *v <= 0 || *v > 1 {
			*v = def
		}
	}
	length(&d.Bucket, 100*time.Millisecond)
	length(&d.Latency, time.Second)
	length(&d.Merge, time.Second)
	length(&d.Stable, 5*time.Second)
	share(&d.Good, 0.99)
	share(&d.Throughput, 0.9)
	share(&d.Floor, 0.95)
	return d
}
