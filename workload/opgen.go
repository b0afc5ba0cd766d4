package workload

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// opGenerator is one client region sending one class of operation at a fixed rate.
type opGenerator struct {
	region    topology.Region
	class     history.Class
	rate      int // a second
	mix       Mix
	consumers []history.Op // the region's, of a series of reads
	polls     int          // how often one of them has been chosen
	rng       *rand.Rand
	keys      *keyspace
}

// newOpGenerator gives each series randomness of its own, split off the seed by
// name, so that the choices of one do not depend on the pace of another.
func newOpGenerator(seed uint64, region topology.Region, class history.Class, rate int, mix Mix, keys *keyspace) *opGenerator {
	h := fnv.New64a()
	h.Write([]byte(region))
	h.Write([]byte{0})
	h.Write([]byte(class))
	return &opGenerator{region: region, class: class, rate: rate, mix: mix, rng: rand.New(rand.NewPCG(seed, h.Sum64())), keys: keys}
}

// setReadPercent is the share of reads that read a whole set, in per cent. Such a
// read says something about every element, so a few go a long way. Where nothing
// is added to sets there are none, and where nothing is written to registers all are.
const setReadPercent = 5

// next chooses the series' next operation. Values are unique in the run.
func (s *opGenerator) next(id int64) history.Op {
	op := history.Op{ID: id, Region: s.region}
	if s.class == history.LocalRead {
		s.localRead(&op)
		return op
	}
	if s.pollConsumer(&op) {
		return op
	}
	roll := s.rng.IntN(100)
	if s.class == history.Reads {
		rest := 100 - s.mix.Transfer
		switch {
		case roll >= rest:
			op.Kind, op.Key = history.Balances, bank
		case roll*100 < setReadPercent*rest && s.mix.Add > 0, s.mix.setsOnly():
			op.Kind, op.Key = history.SetRead, s.keys.set(s.rng)
		default:
			op.Kind = history.Read
			op.Key, _ = s.keys.register(s.rng)
		}
		return op
	}
	if roll >= 100-s.mix.Transfer {
		transfer(s.rng, &op)
		return op
	}
	if roll >= 100-s.mix.Transfer-s.mix.Publish {
		publish(&op)
		return op
	}
	op.Value = strconv.FormatInt(id, 10)
	switch {
	case roll < s.mix.Write:
		op.Kind = history.Write
		op.Key, _ = s.keys.register(s.rng)
	case roll < s.mix.Write+s.mix.CAS:
		op.Kind = history.CAS
		op.Key, op.Expect = s.keys.register(s.rng)
	default:
		op.Kind, op.Key = history.Add, s.keys.set(s.rng)
	}
	return op
}
