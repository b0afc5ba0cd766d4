package workload

import (
	"hash/fnv"
	"math/rand/v2"
	"strconv"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// opGenerator chooses the operations of one client region and one class of operation.
type opGenerator struct {
	region    topology.Region
	class     history.Class
	rate      int // a second
	mix       Mix
	consumers []history.Op // of the region, where the class is reads
	polls     int          // how many polls of consumers have been chosen
	rng       *rand.Rand
	keys      *keyspace
}

// newOpGenerator derives random numbers of its own for each region and class, so that
// its choices do not depend on the pace of another generator.
func newOpGenerator(seed uint64, region topology.Region, class history.Class, rate int, mix Mix, keys *keyspace) *opGenerator {
	h := fnv.New64a()
	h.Write([]byte(region))
	h.Write([]byte{0})
	h.Write([]byte(class))
	return &opGenerator{region: region, class: class, rate: rate, mix: mix, rng: rand.New(rand.NewPCG(seed, h.Sum64())), keys: keys}
}

// setReadPercent is the percentage of reads that read a whole set. Such a read covers
// every element, so a few suffice. There are none where nothing is added to sets, and
// no others where nothing is written to registers.
const setReadPercent = 5

// next chooses the next operation. Values are unique in the run.
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
		rest := 100 - s.mix.Transfer - s.mix.Append
		switch {
		case roll >= 100-s.mix.Transfer:
			op.Kind, op.Key = history.Balances, bank
		case roll >= rest:
			op.Kind, op.Key = history.ListRead, s.keys.list(s.rng)
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
	case roll >= 100-s.mix.Transfer-s.mix.Publish-s.mix.Append:
		op.Kind, op.Key = history.Append, s.keys.list(s.rng)
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

// localRead makes op a read that the client's own region must answer even when it can
// reach no majority: of a register or a setting, with a stale answer allowed, or of
// the identity in the client's token.
func (s *opGenerator) localRead(op *history.Op) {
	op.Kind, op.Stale = history.Read, true
	switch s.rng.IntN(3) {
	case 0:
		op.Key = history.LocalReadSetting
	case 1:
		op.Key = history.LocalReadToken
	default:
		op.Key, _ = s.keys.register(s.rng)
	}
}
