package history

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sample uses every field, and every kind of string that needs care.
var sample = []Op{
	{ID: 1, Client: 3, Region: "east", Kind: Write, Key: "k1", Value: "v\"1\\", Intended: 1, Call: 2, Return: 3, Outcome: OK, Node: "east-1", Term: 2, Revision: 1<<63 + 1},
	{ID: 2, Region: "north", Kind: CAS, Key: "k1", Value: "2", Expect: "v\"1\\", Applied: true, Intended: -1, Outcome: Unknown, Error: "dial: <nil> & ☹\n"},
	{ID: 3, Region: "south", Kind: Read, Key: "k1", Output: "2", Outcome: OK, Stale: true},
	{ID: 4, Region: "south", Kind: SetRead, Key: "s1", Set: []string{"a", "b", "ü"}, Outcome: OK, Final: true, ReadThrough: "south-1"},
	{ID: 6, Region: "east", Kind: Transfer, Key: "b", From: "a1", To: "a\"2", Amount: -1 << 63, Applied: true, Outcome: OK},
	{ID: 7, Region: "east", Kind: Balances, Key: "b", Set: []string{"a1=-5", "a2=7"}, Outcome: OK},
	{ID: 5, Region: "east", Kind: Add, Key: "s1", Value: "c", Outcome: Failed, Error: Dropped},
	{ID: 8, Region: "east", Kind: Read, Key: "k1", Outcome: Failed, Error: "busy", Shed: true, Rejected: true},
}

func many(n int) []Op {
	ops := make([]Op, n)
	for i := range ops {
		at := time.Duration(i) * time.Millisecond
		ops[i] = Op{
			ID: int64(i), Client: i % 4, Region: "east", Kind: Write, Key: "k" + strconv.Itoa(i/500), Value: strconv.Itoa(i),
			Intended: at, Call: at + 1000, Return: at + 200000, Outcome: OK, Node: "east-1", Term: 2, Revision: uint64(i),
		}
	}
	return ops
}

func TestSaveLoad(t *testing.T) {
	for name, ops := range map[string][]Op{"every field": sample, "none": nil, "many": many(20_000), "a long line": {{
		Kind: SetRead, Outcome: OK, Set: strings.Split(strings.Repeat("element,", 1<<17), ","),
	}}} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "h")
			if err := Save(path, ops); err != nil {
				t.Fatal(err)
			}
			got, truncated, err := Load(path)
			if err != nil || truncated {
				t.Fatalf("truncated %v, error %v", truncated, err)
			}
			if d := cmp.Diff(ops, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

// The short way of writing and reading must mean what the library does.
func TestEncodingIsTheLibrarys(t *testing.T) {
	for _, op := range sample {
		want, err := json.Marshal(op)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(string(want)+"\n", string(appendOp(nil, &op))); d != "" {
			t.Errorf("(-want +got)\n%s", d)
		}
	}
}

func TestLoadEveryTruncation(t *testing.T) {
	dir := t.TempDir()
	whole := filepath.Join(dir, "whole")
	r, err := NewRecorder(whole)
	if err != nil {
		t.Fatal(err)
	}
	ops := many(100)
	for i, op := range ops {
		r.Record(op)
		if i == 50 {
			waitForFile(t, whole)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for n := 0; n < len(b); n += 7 {
		part := filepath.Join(dir, "part")
		if err := os.WriteFile(part, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		got, truncated, err := Load(part)
		if err != nil {
			t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
		}
		if !truncated && len(got) < len(ops) {
			t.Fatalf("the first %d of %d bytes: %d operations, and not called truncated", n, len(b), len(got))
		}
		if d := cmp.Diff(ops[:len(got)], got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("the first %d of %d bytes (-want +got)\n%s", n, len(b), d)
		}
		most = max(most, len(got))
	}
	if most < 50 {
		t.Errorf("a truncated file gave back %d operations at most, want those before the flush", most)
	}
}

func TestLoadRefusesWhatIsNoOperation(t *testing.T) {
	for name, lines := range map[string]string{
		"not JSON":      "{\"id\":1,\"kind\":\"read\",\"outcome\":\"ok\"}\nnonsense\n",
		"not an op":     "{\"id\":1,\"kind\":\"read\",\"outcome\":\"ok\"}\n{}\n",
		"a wrong type":  "{\"id\":1,\"kind\":\"read\",\"outcome\":\"ok\"}\n{\"id\":\"1\",\"kind\":\"read\",\"outcome\":\"ok\"}\n",
		"an empty line": "{\"id\":1,\"kind\":\"read\",\"outcome\":\"ok\"}\n\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := parse(strings.NewReader(lines), 0)
			if err == nil || !strings.HasPrefix(err.Error(), ":2: ") {
				t.Errorf("got error %v, want one that names line 2", err)
			}
		})
	}
	if _, _, err := Load(filepath.Join(t.TempDir(), "absent")); err == nil {
		t.Error("an absent file loads")
	}
	garbage := filepath.Join(t.TempDir(), "garbage")
	if err := os.WriteFile(garbage, []byte("this is no zstd at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Load(garbage); err == nil || !strings.Contains(err.Error(), garbage) {
		t.Errorf("got error %v, want one that names the file", err)
	}
}

// formerLines are operations as earlier schemas of the record stored them.
var formerLines = []string{
	`{"id":8,"client":0,"region":"east","kind":"cas","key":"k","intended":0,"call":0,"return":0,"outcome":"failed","answered":true,"swapped":true,"via":"south-1"}`,
	`{"id":8,"client":0,"region":"east","kind":"cas","key":"k","intended":0,"call":0,"return":0,"outcome":"failed","error":"n\u00e9","answered":true,"swapped":true,"via":"south-1"}`,
	`{"id":8,"kind":"cas","outcome":"failed","via":"north-1","readThrough":"south-1","answered":true,"rejected":true,"applied":true}`,
	`{"id":8,"kind":"cas","outcome":"failed","readThrough":"south-1","via":"north-1","rejected":true,"swapped":true}`,
}

func TestFormerNamesAreRead(t *testing.T) {
	ops, _, err := parse(strings.NewReader(strings.Join(formerLines, "\n")+"\n"), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range ops {
		if !op.Rejected || !op.Applied || op.ReadThrough != "south-1" || op.ID != 8 {
			t.Errorf("%s\nis read as %+v", formerLines[i], op)
		}
	}
}

func FuzzParse(f *testing.F) {
	for i := range sample {
		f.Add(appendOp(nil, &sample[i]))
	}
	f.Add([]byte(`{"id":01,"kind":"read","outcome":"ok","set":[]}` + "\n"))
	for _, line := range formerLines {
		f.Add([]byte(line + "\n"))
	}
	f.Add([]byte(`{"Id":1,"kind":"read","kind":"x","outcome":"ok","swapped":false}` + "\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		ops, _, err := parse(bytes.NewReader(in), 0) // must not panic
		if err != nil {
			return
		}
		lines := bytes.Split(in, []byte{'\n'})
		for i := range ops {
			var want Op
			if err := json.Unmarshal(lines[i], &want); err != nil {
				t.Fatalf("line %q was read, but the library says %v", lines[i], err)
			}
			if d := cmp.Diff(want, ops[i]); d != "" {
				t.Fatalf("line %q (-library +got)\n%s", lines[i], d)
			}
		}
	})
}

// A small file from elsewhere must not take the machine down: 247 KB took 8.3 GB and
// ended the program.
func TestLoadingIsBounded(t *testing.T) {
	formerMemory, formerText := maxMemory, maxText
	t.Cleanup(func() { maxMemory, maxText = formerMemory, formerText })
	maxMemory, maxText = 16<<20, 64<<20
	const op = `{"kind":"r","outcome":"o"}` + "\n"
	for name, tt := range map[string]struct {
		line  string
		times int
		want  string
	}{
		"many operations":       {op, 1 << 21, "takes more than 16 MiB of memory"},
		"many elements":         {`{"kind":"r","outcome":"o","set":[` + strings.Repeat(`"",`, 1<<16) + `""]}` + "\n", 100, "takes more than 16 MiB of memory"},
		"strings of their own":  {`{"kind":"r","outcome":"o","key":"\u0041` + strings.Repeat("a", 1<<16) + `"}` + "\n", 1000, "takes more than 16 MiB of memory"},
		"the same long strings": {`{"kind":"r","outcome":"o","key":"` + strings.Repeat("a", 1<<20) + `"}` + "\n", 100, "is longer than 64 MiB"},
		"one endless line":      {strings.Repeat("a", 1<<20), 65, ":1: line is longer than 67108864 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "history.jsonl.zst")
			f, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			z, err := newEncoder(f)
			if err != nil {
				t.Fatal(err)
			}
			for range tt.times {
				if _, err := io.WriteString(z, tt.line); err != nil {
					t.Fatal(err)
				}
			}
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, _, err = Load(path)
			runtime.ReadMemStats(&after)
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), path) {
				t.Errorf("got %v, want an error that names the file and says %q", err, tt.want)
			}
			if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 500 {
				t.Errorf("loading allocated %d MiB", took)
			}
		})
	}
}
