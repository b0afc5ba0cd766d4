package exec_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/exec"
	"github.com/mcp-resilience/holdfast/workload"
)

// behaviour is the environment variable that makes this test a client program.
const behaviour = "EXEC_TEST_BEHAVIOUR"

func TestMain(m *testing.M) {
	if b := os.Getenv(behaviour); b != "" {
		behave(b)
		return
	}
	goleak.VerifyTestMain(m)
}

// behave is a client program that answers all operations as its behaviour says. It keeps one register in memory.
func behave(b string) {
	if b == "does not read" {
		time.Sleep(time.Hour)
	}
	register := ""
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	for in.Scan() {
		var op struct {
			ID          int64
			Kind, Value string
		}
		if err := json.Unmarshal(in.Bytes(), &op); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(9)
		}
		if op.Kind == "write" {
			register = op.Value
		}
		answer := func(rest string) { fmt.Printf(`{"id": %d, "outcome": "ok", %s}`+"\n", op.ID, rest) }
		switch b {
		case "dies":
			fmt.Fprintln(os.Stderr, "Traceback: no such thing")
			os.Exit(3)
		case "hangs":
		case "garbage":
			fmt.Println("connected!")
		case "flood":
			for {
				fmt.Print(strings.Repeat("x", 1<<20))
			}
		case "stranger":
			fmt.Println(`{"id": 77, "outcome": "ok"}`)
		case "misspells":
			answer(`"ouput": "1"`)
		case "lacks":
			answer(`"node": "east-1"`)
		case "no outcome":
			fmt.Printf(`{"id": %d, "outcome": "fine"}`+"\n", op.ID)
		case "closes its output":
			os.Stdout.Close()
		case "refuses":
			fmt.Printf(`{"id": %d, "outcome": "failed", "rejected": true, "error": "read only"}`+"\n", op.ID)
		case "does not know":
			fmt.Printf(`{"id": %d, "outcome": "unknown", "error": "timed out"}`+"\n", op.ID)
		default:
			out, _ := json.Marshal(register)
			answer(`"output": ` + string(out))
		}
	}
	if b == "ignores the end" {
		time.Sleep(time.Hour)
	}
}

func client(t *testing.T, b string) workload.Client {
	t.Helper()
	me, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := exec.New(exec.Settings{
		Command: []string{me}, Env: map[string]string{behaviour: b}, Operations: []history.Kind{history.Read, history.Write}, HangTimeout: 3 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := p.Client(t.Context(), protocols.System{Secret: "s"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// What a program does wrong is named, and neither proves nor refutes an effect.
func TestPrograms(t *testing.T) {
	for b, tt := range map[string]struct {
		write, read history.Outcome
		reason      string
	}{
		"answers":           {history.OK, history.OK, ""},
		"ignores the end":   {history.OK, history.OK, ""},
		"refuses":           {history.Failed, history.Failed, "read only"},
		"does not know":     {history.Unknown, history.Failed, "timed out"},
		"dies":              {history.Unknown, history.Failed, "the client program ended: exit status 3; its standard error ends: Traceback: no such thing"},
		"hangs":             {history.Unknown, history.Failed, "the client program hangs: 1 operations wait"},
		"garbage":           {history.Unknown, history.Failed, `the client program wrote a line that is no answer, "connected!"`},
		"flood":             {history.Unknown, history.Failed, "a line of more than 16 MiB"},
		"stranger":          {history.Unknown, history.Failed, "answered an operation with id 77, which it does not owe an answer"},
		"misspells":         {history.Unknown, history.Failed, `did you mean "output"?`},
		"lacks":             {history.OK, history.Failed, `an answer ok to read needs "output"`},
		"no outcome":        {history.Unknown, history.Failed, `outcome "fine" is none of ok, failed, unknown`},
		"closes its output": {history.Unknown, history.Failed, "closed its standard output"},
	} {
		t.Run(b, func(t *testing.T) {
			t.Parallel()
			for _, op := range []history.Op{{Kind: history.Write, Key: "k", Value: "1"}, {Kind: history.Read, Key: "k"}} {
				want := tt.write
				if op.Kind == history.Read {
					want = tt.read
				}
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				got := client(t, b).Do(ctx, op)
				reason := tt.reason
				if got.Outcome == history.OK {
					reason = ""
				}
				if got.Outcome != want || !strings.Contains(got.Error, reason) || (got.Error == "") != (want == history.OK) {
					t.Errorf("%s is %s (%s), want %s with %q", op.Kind, got.Outcome, got.Error, want, reason)
				}
			}
		})
	}
}

// An operation that waits behind others has not been given to the program, and so it has failed.
func TestAProgramThatDoesNotRead(t *testing.T) {
	c := client(t, "does not read")
	large := history.Op{Kind: history.Write, Key: "k", Value: strings.Repeat("x", 1<<20)} // more than a pipe holds
	first := make(chan history.Op)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	go func() { first <- c.Do(ctx, large) }()
	given := 0
	for range 5 {
		if c.Do(ctx, large).Outcome == history.Unknown {
			given++
		}
	}
	if (<-first).Outcome == history.Unknown {
		given++
	}
	if given != 1 {
		t.Errorf("%d operations are unknown, want the one that was written in part", given)
	}
}

// A program that died is started again, and operations in between have failed.
func TestAProgramIsStartedAgain(t *testing.T) {
	c := client(t, "dies")
	outcomes := map[history.Outcome]int{}
	for end := time.Now().Add(30 * time.Second); outcomes[history.Unknown] < 2 && time.Now().Before(end); {
		outcomes[c.Do(t.Context(), history.Op{Kind: history.Write, Key: "k", Value: "1"}).Outcome]++
	}
	if outcomes[history.Unknown] < 2 || outcomes[history.Failed] == 0 || outcomes[history.OK] > 0 {
		t.Errorf("outcomes %v, want some unknown of each start and some failed between", outcomes)
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	p, err := exec.New(exec.Settings{Command: []string{"/no/such/program"}, Operations: []history.Kind{history.Read}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Client(t.Context(), protocols.System{}, 0); err == nil || !strings.Contains(err.Error(), "/no/such/program") {
		t.Errorf("got %v", err)
	}
}

func TestValidate(t *testing.T) {
	for text, want := range map[string]string{
		`{}`:                                 "command: a program is needed",
		`command: [x]`:                       "operations: say which",
		`{command: [x], operations: [raed]}`: `operations[0]: "raed" is none of`,
		`{command: [x], operations: [read], env: {HOLDFAST_RUN: x}}`: "env.HOLDFAST_RUN:",
		`{command: [x], operations: [read], env: {A: "{{.B}}"}}`:     "env.A:",
		`{command: [x], operations: [read], hangTimeout: -1s}`:       "hangTimeout:",
	} {
		var s exec.Settings
		if err := yaml.UnmarshalWithOptions([]byte(text), &s, yaml.Strict()); err != nil {
			t.Fatal(err)
		}
		if err := s.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n got %v, want %q", text, err, want)
		}
	}
}
