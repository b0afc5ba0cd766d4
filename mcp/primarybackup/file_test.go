package primarybackup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened opens a journal and returns its records.
func opened(t *testing.T, path string) (*File, []string) {
	t.Helper()
	var seen []string
	f, _, err := OpenFile(path, func(r Record) { seen = append(seen, fmt.Sprintf("%d/%d %s", r.Epoch, r.Index, r.Payload)) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, seen
}

func add(t *testing.T, f *File, epoch uint64, payloads ...string) {
	t.Helper()
	for _, p := range payloads {
		if err := f.Append(Record{epoch, f.Last().Index + 1, []byte(p)}); err != nil {
			t.Fatal(err)
		}
	}
}

func synced(t *testing.T, f *File) {
	t.Helper()
	if _, err := f.Sync(); err != nil {
		t.Fatal(err)
	}
}

// Each case damages the file of a journal of four records. The first two were synced
// before the third was written.
func TestADamagedJournalIsRepairedOrRefused(t *testing.T) {
	const size = headerSize + 5 // of each record
	all := []string{"1/1 alpha", "1/2 bravo", "2/3 charl", "2/4 delta"}
	for _, tt := range []struct {
		name    string
		damage  func(b []byte) []byte
		want    []string
		torn    int64
		refused int64 // offset, -1: not refused
	}{
		{"whole", func(b []byte) []byte { return b }, all, 0, -1},
		{"the last record is half written", func(b []byte) []byte { return b[:len(b)-3] }, all[:3], size - 3, -1},
		{"only a piece of its header is there", func(b []byte) []byte { return b[:3*size+5] }, all[:3], 5, -1},
		{"a bit of the last record flipped", func(b []byte) []byte { b[len(b)-1] ^= 4; return b }, all[:3], size, -1},
		{"zeros behind the last record", func(b []byte) []byte { return append(b, make([]byte, 100)...) }, all, 100, -1},
		{"an unsynced record was torn before the one behind it", func(b []byte) []byte { b[2*size+headerSize] ^= 1; return b }, all[:2], 2 * size, -1},
		{"a bit of a synced record flipped", func(b []byte) []byte { b[size+headerSize] ^= 1; return b }, nil, 0, size},
		{"the length of the first record flipped", func(b []byte) []byte { b[4] ^= 0x80; return b }, nil, 0, 0},
		{"a synced record is missing", func(b []byte) []byte { return append(b[:size:size], b[2*size:]...) }, nil, 0, size},
		{"all is gone", func([]byte) []byte { return nil }, nil, 0, -1},
		{"another kind of file", func([]byte) []byte { return []byte("not a journal") }, nil, 13, -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "j")
			f, _ := opened(t, path)
			add(t, f, 1, "alpha", "bravo")
			synced(t, f)
			add(t, f, 2, "charl", "delta")
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, tt.damage(b), 0o644); err != nil {
				t.Fatal(err)
			}
			var got []string
			reopened, torn, err := OpenFile(path, func(r Record) { got = append(got, fmt.Sprintf("%d/%d %s", r.Epoch, r.Index, r.Payload)) })
			var damaged *DamagedError
			if errors.As(err, &damaged) {
				if damaged.Offset != tt.refused || damaged.Path != path {
					t.Errorf("refused with %v, want byte %d", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer reopened.Close()
			if tt.refused >= 0 {
				t.Fatalf("opened with %v, want it refused", got)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || torn != tt.torn {
				t.Errorf("removed %d bytes, want %d; records (-want +got):\n%s", torn, tt.torn, diff)
			}
			// Appends go on after the last good record, and are there when the file is opened again.
			add(t, reopened, 3, "echo!")
			if err := reopened.Close(); err != nil {
				t.Fatal(err)
			}
			_, got = opened(t, path)
			if diff := cmp.Diff(append(tt.want[:len(tt.want):len(tt.want)], fmt.Sprintf("3/%d echo!", len(tt.want)+1)), got); diff != "" {
				t.Errorf("after one more (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTruncateReturnsWhatItRemovesAndKeepsEpochStarts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "j")
	f, _ := opened(t, path)
	add(t, f, 1, "a", "b", "c")
	add(t, f, 4, "d", "e")
	gone, err := f.Truncate(2)
	if err != nil {
		t.Fatal(err)
	}
	var payloads []string
	for _, r := range gone {
		payloads = append(payloads, string(r.Payload))
	}
	if diff := cmp.Diff([]string{"c", "d", "e"}, payloads); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
	cs, last := f.EpochStarts()
	if diff := cmp.Diff(epochStarts{{1, 1}}, cs); diff != "" || last != 2 || f.Last() != (Position{1, 2}) {
		t.Errorf("ends at %v after the truncation; epoch starts (-want +got):\n%s", f.Last(), diff)
	}
	if err := f.Append(Record{5, 4, nil}); err == nil {
		t.Error("a record that leaves a gap was accepted")
	}
	add(t, f, 5, "f")
	if rs, err := f.Read(2, 1); err != nil || len(rs) != 1 || string(rs[0].Payload) != "b" {
		t.Errorf("read from 2, one byte at most: %v, %v; want record 2 alone", rs, err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	_, got := opened(t, path)
	if diff := cmp.Diff([]string{"1/1 a", "1/2 b", "5/3 f"}, got); diff != "" {
		t.Errorf("after reopening (-want +got):\n%s", diff)
	}
}

// For any input the parser neither panics nor reads past the end, and what it parses
// encodes to the same bytes.
func FuzzParseRecord(f *testing.F) {
	whole := appendRecord(nil, Record{3, 7, []byte("payload")}, 6)
	f.Add(whole)
	f.Add(whole[:len(whole)-1])
	f.Add(append(whole, 0, 1, 2))
	f.Add(make([]byte, headerSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, synced, size, err := parseRecord(b)
		if err != nil {
			return
		}
		if size > len(b) || !bytes.Equal(appendRecord(nil, r, synced), b[:size]) {
			t.Errorf("%x parses as %v, synced %d, which encodes differently", b, r, synced)
		}
	})
}

// A sync that was under way during a truncation does not cover the records that were
// written in place of the removed ones.
func TestASyncDoesNotCoverWhatWasWrittenAfterATruncation(t *testing.T) {
	f, _ := opened(t, filepath.Join(t.TempDir(), "j"))
	add(t, f, 1, "one", "two", "three", "four")
	real := f.fsync
	f.fsync = func() error {
		err := real()
		if _, err := f.Truncate(2); err != nil {
			t.Error(err)
		}
		add(t, f, 2, "drei", "vier", "fünf")
		return err
	}
	if got, err := f.Sync(); got != 2 || err != nil || f.Synced() != 2 {
		t.Errorf("synced up to %d (%d), %v; want 2: what was written after the truncation is not on disk", got, f.Synced(), err)
	}
	f.fsync = real
	if got, err := f.Sync(); got != 5 || err != nil {
		t.Errorf("synced up to %d, %v; want 5", got, err)
	}
}
