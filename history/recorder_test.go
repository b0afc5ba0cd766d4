package history

import (
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// waitForFile waits until something was flushed.
func waitForFile(t *testing.T, path string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if s, err := os.Stat(path); err == nil && s.Size() > 0 {
			return
		}
	}
	t.Fatal("nothing was flushed in a minute")
}

func TestRecorderKeepsWhatManyRecord(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	r, err := NewRecorder(path)
	if err != nil {
		t.Fatal(err)
	}
	const each = chunk / 4
	ops := many(8 * each)
	var wg sync.WaitGroup
	for part := range slices.Chunk(ops, each) {
		wg.Go(func() {
			for _, op := range part {
				r.Record(op)
			}
		})
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	inMemory := slices.Clone(r.Ops())
	onDisk, truncated, err := Load(path)
	if err != nil || truncated {
		t.Fatalf("truncated %v, error %v", truncated, err)
	}
	if d := cmp.Diff(inMemory, onDisk); d != "" {
		t.Errorf("disk differs from memory (-memory +disk)\n%s", d)
	}
	slices.SortFunc(inMemory, func(a, b Op) int { return int(a.ID - b.ID) })
	if d := cmp.Diff(ops, inMemory); d != "" {
		t.Errorf("(-recorded +kept)\n%s", d)
	}
}

// While many record, each view holds what was recorded before, in its order, and one
// that was taken earlier does not change under its holder.
func TestOpsGrowsWithoutChangingWhatWasReturned(t *testing.T) {
	r, err := NewRecorder(filepath.Join(t.TempDir(), "h"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	ops := many(3*chunk + 5)
	var recording sync.WaitGroup
	recording.Go(func() {
		for _, op := range ops {
			r.Record(op)
		}
	})
	var views [][]Op
	for n := 0; n < len(ops); {
		v := r.Ops()
		if len(v) < n {
			t.Fatalf("%d operations after %d", len(v), n)
		}
		if len(v) >= n+chunk/8 || len(v) == len(ops) { // a few dozen: each is compared as a whole
			views = append(views, v)
		}
		n = len(v)
	}
	recording.Wait()
	for _, v := range views {
		if d := cmp.Diff(ops[:len(v)], v, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("a view of %d operations (-recorded +view)\n%s", len(v), d)
		}
	}
	mine := append(r.Ops(), Op{ID: -1})
	r.Record(Op{ID: -2})
	if got := r.Ops(); mine[len(ops)].ID != -1 || got[len(ops)].ID != -2 {
		t.Errorf("appending to a view reached the recorder: %d, %d", mine[len(ops)].ID, got[len(ops)].ID)
	}
}

// Asking for the history again and again, as the engine does to see whether
// service is stable, costs what is new and not what there is.
func TestOpsCopiesOnlyWhatIsNew(t *testing.T) {
	r, err := NewRecorder(filepath.Join(t.TempDir(), "h"))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, op := range many(20 * chunk) {
		r.Record(op)
	}
	first := r.Ops()
	if n := testing.AllocsPerRun(100, func() { r.Ops() }); n > 0 {
		t.Errorf("a call with nothing new allocates %v times", n)
	}
	if again := r.Ops(); &first[0] != &again[0] {
		t.Error("a call with nothing new has copied the history")
	}
}

// A run that is killed leaves what was flushed: the file is read while the
// recorder still has it open.
func TestRecorderFlushesWhileItRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "h")
	r, err := NewRecorder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, op := range sample {
		r.Record(op)
	}
	var got []Op
	for end := time.Now().Add(time.Minute); len(got) == 0 && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		var truncated bool
		if got, truncated, err = Load(path); err != nil || !truncated {
			t.Fatalf("truncated %v, error %v; want a truncated file that reads", truncated, err)
		}
	}
	if d := cmp.Diff(sample, got); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
}

func TestRecorderSaysWhatBecameOfTheFile(t *testing.T) {
	if _, err := NewRecorder(filepath.Join(t.TempDir(), "absent", "h")); err == nil {
		t.Error("a folder that is not there is no error")
	}
	r, err := NewRecorder("/dev/full")
	if err != nil {
		t.Skip("no /dev/full here: ", err)
	}
	r.Record(sample[0])
	if err := r.Close(); err == nil {
		t.Error("a full disk is no error")
	}
	if d := cmp.Diff(sample[:1], r.Ops()); d != "" {
		t.Errorf("what is in memory is gone (-want +got)\n%s", d)
	}
}

func TestClock(t *testing.T) {
	c := NewClock()
	a := c.Now()
	b := c.At(time.Now())
	if a < 0 || b < a {
		t.Errorf("offsets %v, then %v", a, b)
	}
	if got := c.At(c.Started().Add(time.Second)); got < 999*time.Millisecond || got > 1001*time.Millisecond {
		t.Errorf("a wall-clock instant one second after the start is at %v", got)
	}
}

// BenchmarkRecord is what a client pays for being recorded, the writer at work
// beside it.
func BenchmarkRecord(b *testing.B) {
	r, err := NewRecorder(filepath.Join(b.TempDir(), "h"))
	if err != nil {
		b.Fatal(err)
	}
	op := many(1)[0]
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			r.Record(op)
		}
	})
	b.StopTimer()
	if err := r.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkLoad(b *testing.B) {
	path := filepath.Join(b.TempDir(), "h")
	if err := Save(path, many(100_000)); err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	for b.Loop() {
		if _, _, err := Load(path); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/100_000, "ns/line")
}
