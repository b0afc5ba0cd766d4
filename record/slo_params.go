package record

import "time"

// SLOParams are the constants in the definitions of outage and recovery. Zero
// values mean the defaults named. Shares are from 0 to 1.
type SLOParams struct {
	// Bucket is the width of a bucket of operations by intended time, and the
	// resolution of every recovery figure; 0 means 100 ms.
	Bucket time.Duration `json:"bucket"`
	// Latency is the longest an operation may take from its intended time and
	// still be good; 0 means 1 s.
	Latency time.Duration `json:"latency"`
	// MinGood is the least share of good operations of a good bucket; 0 means 0.99.
	MinGood float64 `json:"minGood"`
	// Lateness is the longest that the harness may send an operation after it was due without
	// being blamed for what became of it; 0 means 100 ms.
	Lateness time.Duration `json:"lateness,omitzero"`
	// Merge is the gap below which two outages are one; 0 means 1 s.
	Merge time.Duration `json:"merge"`
	// Stable is the length of the stability window; 0 means 5 s.
	Stable time.Duration `json:"stable"`
	// MinThroughput is the least share of the baseline's throughput in a
	// stability window; 0 means 0.9.
	MinThroughput float64 `json:"minThroughput"`
	// MinBaseline is the least share of good operations of a baseline that recovery
	// can be measured against; 0 means 0.95.
	MinBaseline float64 `json:"minBaseline"`
}

// Resolve returns the constants with every default filled in. A value out of range takes its default too.
func (d SLOParams) Resolve() SLOParams {
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
	length(&d.Lateness, 100*time.Millisecond)
	length(&d.Merge, time.Second)
	length(&d.Stable, 5*time.Second)
	share(&d.MinGood, 0.99)
	share(&d.MinThroughput, 0.9)
	share(&d.MinBaseline, 0.95)
	return d
}
