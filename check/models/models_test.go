package models

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/history/foreign"
	"github.com/mcp-resilience/holdfast/record"
)

// One green and one red history of each format and model.
func TestSamples(t *testing.T) {
	for _, c := range []struct {
		file    string
		model   foreign.Model
		verdict record.Verdict
		want    string // in the description and the evidence
	}{
		{"register-good.edn", foreign.Register, record.Pass, "5 operations on 1 key"},
		{"register-bad.edn", foreign.Register, record.Fail, `read register → "" by /1 — fits no order`},
		{"cas-register-good.edn", foreign.CASRegister, record.Pass, "4 operations on 2 keys"},
		{"cas-register-bad.edn", foreign.CASRegister, record.Fail, `1: 0.008 s – 0.009 s cas 1 "5"→"7" by /1 — had returned before`},
		{"set-good.edn", foreign.Set, record.Pass, "3 operations on 1 key"},
		{"set-bad.edn", foreign.Set, record.Fail, `misses "1", acknowledged before`},
		{"append-good.edn", foreign.Append, record.Pass, "6 operations on 2 keys"},
		{"append-bad.edn", foreign.Append, record.Fail, `"10" was acknowledged before the second was called`},
		{"kv-good.log", foreign.Append, record.Pass, "6 operations on 2 keys"},
		{"kv-bad.log", foreign.Append, record.Fail, `read of list a → ["one " "three "] by /1 — fits no order`},
		{"bank-good.edn", foreign.Bank, record.Pass, "3 operations on 1 key"},
		{"bank-bad.edn", foreign.Bank, record.Fail, "shows 16 altogether, want 20"},
		{"etcd-good.log", foreign.CASRegister, record.Pass, "5 operations on 1 key"},
		{"etcd-bad.log", foreign.CASRegister, record.Fail, `cas register "3"→"1" by /0 — fits no order`},
		{"own-good.jsonl", foreign.Register, record.Pass, "2 operations on 1 key"},
		{"own-bad.jsonl", foreign.Register, record.Fail, `read x → "" by east/0 — fits no order`},
		{"unread.edn", foreign.Register, record.Vacuous, "nothing to judge: of 1 operation none was answered with what the register holds"},
		{"own-good.jsonl", foreign.Bank, record.Vacuous, "no operation of the model bank"},
	} {
		t.Run(c.file, func(t *testing.T) {
			h, err := foreign.Read(filepath.Join("..", "..", "history", "foreign", "testdata", c.file), c.model)
			if err != nil {
				t.Fatal(err)
			}
			r := Judge(t.Context(), c.model, h.Ops, Options{})
			said := r.Description()
			for _, v := range r.Violations {
				said += "\n" + strings.Join(v.Evidence, "\n")
				if len(v.Evidence) > 3 {
					t.Errorf("%d lines of evidence, want three at most", len(v.Evidence))
				}
			}
			if r.Verdict != c.verdict || !strings.Contains(said, c.want) {
				t.Errorf("%s: %s\nwant %s with %q", r.Verdict, said, c.verdict, c.want)
			}
		})
	}
}

// One read agrees with itself, whatever it shows.
func TestABankThatWasReadOnceShowsNothing(t *testing.T) {
	read := func(set ...string) history.Op {
		return history.Op{Kind: history.Balances, Key: "bank", Set: set, Outcome: history.OK}
	}
	open := history.Op{Kind: history.Open, Key: "bank", Set: []string{"a", "b"}, Amount: 10, Outcome: history.OK}
	total := int64(20)
	for _, c := range []struct {
		name    string
		ops     []history.Op
		total   *int64
		verdict record.Verdict
	}{
		{"one read", []history.Op{read("a=3", "b=4")}, nil, record.Vacuous},
		{"one read, and the total is known", []history.Op{read("a=13", "b=7")}, &total, record.Pass},
		{"one read of a bank that was opened", []history.Op{open, read("a=13", "b=7")}, nil, record.Pass},
		{"two that agree", []history.Op{read("a=3", "b=4"), read("a=2", "b=5")}, nil, record.Pass},
		{"two that do not", []history.Op{read("a=3", "b=4"), read("a=3", "b=5")}, nil, record.Fail},
	} {
		r := Judge(t.Context(), foreign.Bank, c.ops, Options{Total: c.total})
		if r.Verdict != c.verdict {
			t.Errorf("%s: %s (%s), want %s", c.name, r.Verdict, r.Description(), c.verdict)
		}
		if c.verdict == record.Vacuous && !strings.Contains(r.Description(), "no read shows a total that could be compared") {
			t.Errorf("%s: %s", c.name, r.Description())
		}
	}
}

func TestTotalOfABank(t *testing.T) {
	h, err := foreign.Read(filepath.Join("..", "..", "history", "foreign", "testdata", "bank-good.edn"), foreign.Bank)
	if err != nil {
		t.Fatal(err)
	}
	total := int64(30)
	if r := Judge(t.Context(), foreign.Bank, h.Ops, Options{Total: &total}); r.Verdict != record.Fail {
		t.Errorf("%s: a bank of 20 is taken for one of 30", r.Verdict)
	}
}
