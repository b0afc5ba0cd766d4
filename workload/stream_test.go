package workload

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/history"
)

// A consumer's questions come twice a second, and always from the same client,
// so that they can be answered one after the other.
func TestConsumersAsk(t *testing.T) {
	l := Load{Reads: 30, Consumers: 3, Clients: 2, Mix: Mix{Add: 40, Publish: 60}}.Resolve()
	s := newOpGenerator(1, "east", history.Reads, l.Reads, l.Mix, newKeyspace(l, 0))
	s.consumers = l.ConsumerOps("east")
	asked, by := map[string]int{}, map[string]int{}
	for i := range int64(3000) { // 100 s of them
		if op := s.next(i); op.Kind == history.Consume {
			asked[op.Key]++
			by[op.Key] = op.Client
		}
	}
	for key, n := range asked {
		if n < 160 || n > 240 {
			t.Errorf("%s was asked %d times in 100 s, want about 200", key, n)
		}
	}
	if diff := cmp.Diff(map[string]int{"feed/east-0": 0, "feed/east-1": 1, "feed/east-2": 0}, by); diff != "" {
		t.Errorf("consumers and their clients (-want +got):\n%s", diff)
	}
}

func TestPublishesAreTheirShareOfWrites(t *testing.T) {
	l := Load{Mix: Mix{Add: 40, Publish: 60}}.Resolve()
	s := newOpGenerator(1, "east", history.Writes, l.Writes, l.Mix, newKeyspace(l, 0))
	published := map[string]bool{}
	for i := range int64(1000) {
		if op := s.next(i); op.Kind == history.Publish {
			published[op.Key+"="+op.Value] = true
			if want := fmt.Sprintf("feed=%d", i); !published[want] {
				t.Fatalf("operation %d publishes %s=%s, want %s", i, op.Key, op.Value, want)
			}
		}
	}
	if n := len(published); n < 550 || n > 650 {
		t.Errorf("%d of 1000 writes are publishes, want about 600", n)
	}
}
