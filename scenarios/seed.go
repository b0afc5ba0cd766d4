package scenarios

import (
	"hash/fnv"
	"math/rand/v2"
)

// DeriveSeed derives a seed from the plan's for one use, by a name that stays the
// same when other uses come and go: a step's ID, "load", "phase 2". Seeds have
// 53 bits, so that every JSON reader keeps them exact.
func (p Plan) DeriveSeed(name string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.NewPCG(p.Seed, h.Sum64()).Uint64() >> 11
}
