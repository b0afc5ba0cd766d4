package journal

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// A successor that is slow to take over is asked to again, and the office then
// rests for another while: what it took meanwhile would come back as an unknown outcome.
func TestTheEndOfARestDoesNotEndTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, o, near, _ := primaryOf(t, api.Class_ASYNC)
		near.index = b.file.Last().Index
		rests := func() bool {
			b.mu.Lock()
			defer b.mu.Unlock()
			return o.resting
		}
		for range 2 {
			if err := b.rest(t.Context(), "near"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(restLimit * 2 / 3)
		}
		if !rests() { // the first has ended by now, the second has not
			t.Error("the second rest was over with the first")
		}
		time.Sleep(restLimit)
		if rests() {
			t.Error("it rests for good")
		}
	})
}
