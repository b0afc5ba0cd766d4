package foreign

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/history"
)

func TestEachFormatIsRecognized(t *testing.T) {
	for file, want := range map[string]Format{
		"register-good.edn": EDN, "cas-register-good.edn": EDN, "set-good.edn": EDN, "kv-good.log": EDN,
		"etcd-good.log": EtcdLog, "own-good.jsonl": Own,
	} {
		head, err := os.ReadFile(filepath.Join("testdata", file))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := recognize(head); got != want || err != nil {
			t.Errorf("%s: %q, %v, want %q", file, got, err, want)
		}
	}
}

// An operation is made of an invocation and its completion, whatever stands between them.
func TestOperationsOfAFile(t *testing.T) {
	h, err := Read(filepath.Join("testdata", "register-good.edn"), Register)
	if err != nil {
		t.Fatal(err)
	}
	if h.LeftOut != 1 || len(h.Ops) != 5 {
		t.Fatalf("%d operations and %d left out, want 5 and 1: the nemesis", len(h.Ops), h.LeftOut)
	}
	for _, op := range h.Ops {
		if op.Kind == history.Write && op.Value == "2" && (op.Outcome != history.Unknown || op.Call != instant(6)) {
			t.Errorf("the write that timed out is %+v, want unknown since line 6", op)
		}
	}
	h, err = Read(filepath.Join("testdata", "kv-good.log"), Append)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range h.Ops {
		if op.Kind == history.ListRead && op.Call == instant(4) && strings.Join(op.Set, "|") != "one |two " {
			t.Errorf("the first read shows %q, want its two elements", op.Set)
		}
	}
}

func TestEventsOnOneLineFollowEachOther(t *testing.T) {
	text := `[{:process 0, :type :invoke, :f :write, :value 1} {:process 0, :type :ok, :f :write, :value 1} {:process 0, :type :invoke, :f :read, :value nil} {:process 0, :type :ok, :f :read, :value nil}]`
	ops, _, err := readEDN(bufio.NewReader(strings.NewReader(text)), Register)
	if err != nil || len(ops) != 2 || ops[0].Return >= ops[1].Call {
		t.Errorf("%+v, %v, want the read after the write", ops, err)
	}
}

// Each error says where, and what is wrong.
func TestErrorsNameTheLine(t *testing.T) {
	good := "{:process 0, :type :invoke, :f :read, :value nil}\n"
	for name, c := range map[string]struct {
		text  string
		model Model
		want  string
	}{
		"an unknown event":         {good + "{:process 0, :type :done, :f :read}", Register, `:2: the :type of an operation is ":done"`},
		"no process":               {good + "{:type :ok, :f :read}", Register, ":2: an operation has no :process"},
		"no map":                   {good + "42", Register, ":2: 42 is not an operation"},
		"invoked twice":            {good + good, Register, ":2: process 0 invokes :read while its :read of line 1 is under way"},
		"completed, not invoked":   {"{:process 1, :type :ok, :f :read, :value 1}", Register, ":1: process 1 completes :read, which it has not invoked"},
		"completed as another":     {good + "{:process 0, :type :ok, :f :write, :value 1}", Register, ":2: process 0 completes :write, but invoked :read at line 1"},
		"another model":            {good + "{:process 1, :type :invoke, :f :enqueue, :value 1}", Register, `:2: the operation is ":enqueue", which is not of the model register`},
		"cas of a register":        {"{:process 1, :type :invoke, :f :cas, :value [1 2]}", Register, ":1: :cas is not of the model register; use cas-register"},
		"cas without a pair":       {"{:process 1, :type :invoke, :f :cas, :value 7}", CASRegister, ":1: the value of :cas is 7, want [OLD NEW]"},
		"a write of nothing":       {"{:process 1, :type :invoke, :f :write}", Register, ":1: :write has no :value"},
		"a map that does not end":  {good + "{:process 0,\n :type", Register, ":2: the file ends before the }"},
		"a bracket too many":       {good + "]", Register, ":2: unexpected ]"},
		"brackets that cross":      {"[{:process 0]}", Register, ":1: unexpected ]; what began at line 1 ends with }"},
		"half a map":               {"{:process}", Register, ":1: a map has a key without a value"},
		"a string without end":     {good + "{:process \"0", Register, ":2: a string has no end"},
		"too deep":                 {strings.Repeat("[", 30000), Register, ":1: forms nest deeper than 64"},
		"tags in tags":             {strings.Repeat("#a ", 30000), Register, ":1: forms nest deeper than 64"},
		"a binary file":            {"{:process \x00}", Register, ":1: unexpected byte 0x00"},
		"a set read of a number":   {good + "{:process 0, :type :ok, :f :read, :value 7}", Set, ":2: a read shows 7, want a vector or a set"},
		"a balance of words":       {good + "{:process 0, :type :ok, :f :read, :value {0 ten}}", Bank, ":2: the balance of account 0 is ten"},
		"a transfer of nothing":    {"{:process 0, :type :invoke, :f :transfer, :value {:from 1}}", Bank, ":1: the value of :transfer is {:from 1}"},
		"a transaction that grows": {"{:process 0, :type :invoke, :f :txn, :value [[:r 1 nil]]}\n{:process 0, :type :ok, :f :txn, :value []}", Append, ":2: the transaction had 1 steps"},
		"a step that is none":      {"{:process 0, :type :invoke, :f :txn, :value [[:w 1 2]]}", Append, ":1: a step of a transaction is [:w 1 2]"},
		"etcd: another model":      {"INFO  jepsen.util - 0 :invoke :read nil", Set, ":1: this log of Jepsen's etcd test is of a register"},
		"etcd: another line":       {"INFO  jepsen.util - 0 :invoke :read nil\nINFO  jepsen.core - hello", Register, ":2: not a line of a log"},
		"etcd: half a cas":         {"INFO  jepsen.util - 0 :invoke :cas [1]", CASRegister, `:1: the value is "[1]", want [OLD NEW]`},
		"etcd: a word":             {"INFO  jepsen.util - 0 :invoke :write x", CASRegister, `:1: the value is "x", want a number`},
		"own: no operation":        {`{"id":1}` + "\n", Register, ":1: not an operation: kind or outcome is missing"},
		"own: cas":                 {`{"id":1,"kind":"cas","key":"x","outcome":"ok"}` + "\n", Register, ":1: a compare-and-set is not of the model register"},
		"empty":                    {" \n", Register, ":1: the file is empty"},
		"something else":           {"hello", Register, ":1: this is no history that can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "file")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Read(path, c.model); err == nil || !strings.Contains(err.Error(), "file"+c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
	if _, err := Read(t.TempDir(), Register); err == nil || !strings.Contains(err.Error(), "is a directory") {
		t.Errorf("a directory: %v", err)
	}
	if _, err := ParseModel("cas-regster"); err == nil || !strings.Contains(err.Error(), `did you mean "cas-register"?`) {
		t.Errorf("a mistyped model: %v", err)
	}
}

// Whatever the bytes, they are a history or an error with its line.
func FuzzEDN(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "*.edn"))
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(`#_ {:a 1} #x/y {:process 0, :type :invoke, :f :add, :value "a\n\"b"} ; end`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, m := range Models {
			ops, _, err := readEDN(bufio.NewReader(strings.NewReader(string(text))), m)
			if err != nil && !strings.HasPrefix(err.Error(), ":") {
				t.Errorf("the error %v does not begin with its line", err)
			}
			for _, op := range ops {
				if err == nil && (op.Kind == "" || op.Outcome == "" || op.Return <= op.Call) {
					t.Errorf("%s: half an operation: %+v", m, op)
				}
			}
		}
	})
}
