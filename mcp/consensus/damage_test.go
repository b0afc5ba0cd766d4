package consensus

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// stored is how many entries the damaged logs have, one synced batch each.
const stored = 40

func entry(i uint64) *raft.Log {
	return &raft.Log{Index: i, Term: 1 + i/10, Type: raft.LogCommand, Data: fmt.Appendf(nil, "entry-%03d-%s", i, strings.Repeat("x", 30))}
}

// storeLog makes a log with entries, a term and a vote, and closes it.
func storeLog(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	l, err := openLog(dir, hclog.NewNullLogger(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := uint64(1); i <= stored; i++ {
		if err := l.StoreLog(entry(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(l.stable.SetUint64([]byte("CurrentTerm"), 7), l.stable.Set([]byte("LastVoteCand"), []byte("n2")), l.Close()); err != nil {
		t.Fatal(err)
	}
	return dir
}

// found is what a node reads of a log when it opens it.
type found struct {
	lost, last uint64
	err        error
}

// openAgain opens a log as a node does, and fails the test when an entry is served that was
// never stored.
func openAgain(t *testing.T, dir string) found {
	t.Helper()
	snaps, err := openSnapshots(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	l, err := openLog(dir, hclog.NewNullLogger(), nil)
	if err != nil {
		return found{err: err}
	}
	defer l.Close()
	var f found
	lost, err := l.verify(snaps)
	if f.lost, f.err = lost.index, err; err != nil {
		return f
	}
	f.last, _ = l.LastIndex()
	for i := uint64(1); i <= f.last; i++ {
		var got raft.Log
		want := entry(i)
		if err := l.GetLog(i, &got); err != nil || got.Index != i || got.Term != want.Term || !bytes.Equal(got.Data, want.Data) {
			t.Errorf("entry %d is served as %d/%d %q, %v", i, got.Index, got.Term, got.Data, err)
		}
	}
	if f.last < stored && f.lost != stored {
		t.Errorf("the log ends with %d and says that it had reached %d, want %d", f.last, f.lost, stored)
	}
	if term, err := l.stable.GetUint64([]byte("CurrentTerm")); err == nil && term != 7 {
		t.Errorf("term %d, want 7 or an error", term)
	}
	if vote, err := l.stable.Get([]byte("LastVoteCand")); err == nil && string(vote) != "n2" {
		t.Errorf("vote for %q, want n2 or an error", vote)
	}
	return f
}

func segmentOf(t *testing.T, dir string) string {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "log", "*.wal"))
	if err != nil || len(all) != 1 {
		t.Fatalf("segments: %q, %v", all, err)
	}
	return all[0]
}

func change(t *testing.T, file string, edit func([]byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, edit(b), 0o644); err != nil {
		t.Fatal(err)
	}
}

// where says where an entry's data stands in its segment. Before it are the frame
// (8 bytes) and four lengths and numbers of one byte each.
func where(b []byte, i uint64) int { return bytes.Index(b, entry(i).Data) }

// TestDamage shows what a node does with each kind of damage.
func TestDamage(t *testing.T) {
	flip := func(at func([]byte) int) func([]byte) []byte {
		return func(b []byte) []byte { b[at(b)] ^= 4; return b }
	}
	zero := func(from func([]byte) int) func([]byte) []byte {
		return func(b []byte) []byte { clear(b[from(b):]); return b }
	}
	for _, c := range []struct {
		name string
		file string // under the log's folder, or the segment
		edit func([]byte) []byte
		last uint64 // entry that is left
		want string // in the error; "" when the node starts
	}{
		{"none", "", func(b []byte) []byte { return b }, 40, ""},
		{"last batch torn", "", zero(func(b []byte) int { return where(b, 40) + 5 }), 39, ""},
		{"file cut off in the last batch", "", func(b []byte) []byte { return b[:where(b, 40)+5] }, 39, ""},
		{"file cut off in the middle", "", func(b []byte) []byte { return b[:where(b, 20)+5] }, 19, ""},
		{"bit of the last entry", "", flip(func(b []byte) int { return where(b, 40) + 3 }), 39, ""},
		{"bit of an older entry", "", flip(func(b []byte) int { return where(b, 17) + 3 }), 0, "log entry 17 in "},
		{"bit of an older entry's index", "", flip(func(b []byte) int { return where(b, 17) - 4 }), 0, "log entry 17 in "},
		{"bit of an older entry's term", "", flip(func(b []byte) int { return where(b, 17) - 3 }), 0, "log entry 17 in "},
		{"bit of an older frame's type", "", flip(func(b []byte) int { return where(b, 17) - 12 }), 16, ""},
		{"bit of the file's header", "", flip(func([]byte) int { return 9 }), 0, "damaged"},
		{"file is empty", "", func([]byte) []byte { return nil }, 0, ""},
		{"bit of the sync watermark", "synced", flip(func([]byte) int { return 1 }), 0, "synced: the checksum is wrong"},
		{"bit of the votes", "votes", flip(func([]byte) int { return 10 }), 0, "votes: the checksum is wrong"},
		{"metadata cut off", "wal-meta.db", func(b []byte) []byte { return b[:5000] }, 0, "damaged"},
		{"metadata overwritten", "wal-meta.db", func(b []byte) []byte { clear(b); return b }, 0, "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := storeLog(t)
			file := segmentOf(t, dir)
			if c.file != "" {
				file = filepath.Join(dir, "log", c.file)
			}
			change(t, file, c.edit)
			got := openAgain(t, dir)
			if c.want == "" {
				if got.err != nil || got.last != c.last {
					t.Errorf("ends with %d, %v; want %d", got.last, got.err, c.last)
				}
				return
			}
			if got.err == nil || !strings.Contains(got.err.Error(), c.want) || !strings.Contains(got.err.Error(), "Admin.Replace") {
				t.Errorf("got %v; want an error with %q and the remedy", got.err, c.want)
			}
		})
	}
}

// A batch that a crash has torn before it was synced was acknowledged to nobody, so
// nothing counts as lost.
func TestAnUnsyncedTailIsNoLoss(t *testing.T) {
	dir := storeLog(t)
	change(t, segmentOf(t, dir), func(b []byte) []byte {
		end := len(bytes.TrimRight(b, "\x00"))
		copy(b[(end+7)/8*8:], "\x01\x00\x00\x00\x40\x00\x00\x00half of an entry")
		return b
	})
	if got := openAgain(t, dir); got.err != nil || got.last != stored || got.lost != 0 {
		t.Errorf("%+v, want all %d entries and nothing lost", got, stored)
	}
}

// The write-ahead log alone serves what the disk has changed, which is why entries carry
// a checksum of their own.
func TestTheWALAloneServesAFlippedBit(t *testing.T) {
	dir := storeLog(t)
	change(t, segmentOf(t, dir), func(b []byte) []byte { b[where(b, 17)+3] ^= 4; return b })
	w, err := wal.Open(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var e raft.Log
	if err := w.GetLog(17, &e); err != nil || bytes.HasPrefix(e.Data, entry(17).Data) {
		t.Errorf("it gives %q, %v: raft-wal verifies entries now, and entry_checksum.go can be deleted", e.Data, err)
	}
}

// Whichever bit flips, nothing is served that was not stored, and nothing is missing
// unnoticed.
func TestNoFlippedBitIsServed(t *testing.T) {
	dir := storeLog(t)
	var files []string
	for _, name := range []string{filepath.Base(segmentOf(t, dir)), "wal-meta.db", "synced", "votes"} {
		files = append(files, filepath.Join(dir, "log", name))
	}
	good := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		good[f] = b
	}
	refused, opened := 0, 0
	for _, f := range files {
		used := len(bytes.TrimRight(good[f], "\x00")) + 16
		for at := 0; at < min(used, len(good[f])); at += max(1, used/40|1) {
			for _, g := range files {
				if err := os.WriteFile(g, good[g], 0o644); err != nil {
					t.Fatal(err)
				}
			}
			change(t, f, func(b []byte) []byte { b[at] ^= 1 << (at % 8); return b })
			if got := openAgain(t, dir); got.err != nil {
				refused++
			} else {
				opened++
			}
			if t.Failed() {
				t.Fatalf("bit %d of byte %d of %s", at%8, at, f)
			}
		}
	}
	if refused == 0 || opened == 0 {
		t.Errorf("%d refused, %d opened: want both", refused, opened)
	}
}
