package consensus

import (
	"fmt"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A log whose end was deleted, as a former leader's is, can be read at each later start,
// whatever is appended and deleted in between.
func TestATruncatedLogIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	entry := func(i uint64, life int) *raft.Log {
		return &raft.Log{Index: i, Term: uint64(life + 1), Data: fmt.Appendf(nil, "entry %d of life %d", i, life)}
	}
	want := map[uint64]string{}
	last := uint64(0)
	for life := range 4 {
		l, err := openLog(dir, hclog.NewNullLogger(), nil)
		if err != nil {
			t.Fatalf("life %d: %v", life, err)
		}
		if err := l.stable.SetUint64([]byte("CurrentTerm"), uint64(life+1)); err != nil { // no log without one
			t.Fatal(err)
		}
		if got, err := l.LastIndex(); err != nil || got != last {
			t.Fatalf("life %d: the log ends with %d, want %d (%v)", life, got, last, err)
		}
		for i, data := range want {
			var e raft.Log
			if err := l.GetLog(i, &e); err != nil || string(e.Data) != data {
				t.Fatalf("life %d: entry %d is %q, want %q (%v)", life, i, e.Data, data, err)
			}
		}
		for i := last + 1; i <= last+20; i++ {
			if err := l.StoreLog(entry(i, life)); err != nil {
				t.Fatal(err)
			}
			want[i] = fmt.Sprintf("entry %d of life %d", i, life)
		}
		if err := l.DeleteRange(last+11, last+20); err != nil {
			t.Fatal(err)
		}
		for i := last + 11; i <= last+20; i++ {
			delete(want, i)
		}
		last += 10
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
