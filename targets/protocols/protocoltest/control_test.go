package protocoltest_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/http"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
	"github.com/mcp-resilience/holdfast/workload"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// longEnough bounds a control.
const longEnough = 30 * time.Second

// lying is a protocol whose clients misreport or misbehave.
type lying struct {
	protocols.Protocol
	do func(ctx context.Context, c workload.Client, op history.Op) history.Op
}

type liar struct {
	workload.Client
	do func(ctx context.Context, c workload.Client, op history.Op) history.Op
}

func (l liar) Do(ctx context.Context, op history.Op) history.Op { return l.do(ctx, l.Client, op) }

func (p lying) Client(ctx context.Context, s protocols.System, id int) (workload.Client, error) {
	c, err := p.Protocol.Client(ctx, s, id)
	return liar{c, p.do}, err
}

func (p lying) Reader(ctx context.Context, s protocols.System, via protocols.Endpoint) (workload.Client, error) {
	c, err := p.Protocol.Client(ctx, s, 0) // falls back to other nodes, and writes
	return liar{c, p.do}, err
}

// Each mistake that an adapter can make is found by the case that is named, and by no conforming client.
func TestMistakesAreFound(t *testing.T) {
	honest := func(ctx context.Context, c workload.Client, op history.Op) history.Op { return c.Do(ctx, op) }
	instead := func(of, say history.Outcome) func(context.Context, workload.Client, history.Op) history.Op {
		return func(ctx context.Context, c workload.Client, op history.Op) history.Op {
			if op = c.Do(ctx, op); op.Outcome == of {
				op.Outcome = say
			}
			return op
		}
	}
	for name, tt := range map[string]struct {
		do    func(ctx context.Context, c workload.Client, op history.Op) history.Op
		found string
	}{
		"a time-out is called Failed":     {instead(history.Unknown, history.Failed), "a write that was held and times out is not Failed if it takes effect"},
		"a lost answer is called Failed":  {instead(history.Unknown, history.Failed), "a lost answer is Unknown, and the write is not repeated"},
		"a lost answer is called OK":      {instead(history.Unknown, history.OK), "a lost answer is Unknown, and the write is not repeated"},
		"a refused connection is Unknown": {instead(history.Failed, history.Unknown), "a time that is over before anything was sent is Failed"},
		"an unknown kind is OK":           {instead(history.Failed, history.OK), "an unknown kind of operation is Failed"},
		"a reader that writes":            {honest, "a reader reads one node and writes nothing"},
		"a refusal is made up": {func(ctx context.Context, c workload.Client, op history.Op) history.Op {
			op = c.Do(ctx, op)
			op.Rejected = op.Outcome == history.Failed
			return op
		}, "a refused connection is Failed, and no server said so"},
		"a read that is never fresh": {func(ctx context.Context, c workload.Client, op history.Op) history.Op {
			op = c.Do(ctx, op)
			op.Output = ""
			return op
		}, "every kind of operation that it lists works"},
		"an answer of another operation": {func(ctx context.Context, c workload.Client, op history.Op) history.Op {
			if op = c.Do(ctx, op); op.Kind == history.Read && op.Output != "" {
				op.Output = "1"
			}
			return op
		}, "operations at the same time do not mix"},
		"a time that is ignored": {func(ctx context.Context, c workload.Client, op history.Op) history.Op {
			return c.Do(context.WithoutCancel(ctx), op)
		}, "a time that is over before anything was sent is Failed"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), longEnough)
			defer cancel()
			subject := subject(t)
			subject.Protocol = lying{subject.Protocol, tt.do}
			for _, c := range protocoltest.Cases {
				if c.Name == tt.found {
					if err := c.Check(ctx, subject); err == nil {
						t.Errorf("%q is green", tt.found)
					} else {
						t.Logf("found: %v", err)
					}
					return
				}
			}
			t.Errorf("there is no case %q", tt.found)
		})
	}
}

func subject(t *testing.T) protocoltest.Subject {
	t.Helper()
	p, err := http.New(http.Settings{Operations: map[history.Kind]http.Operation{
		history.Read:  {Path: "/kv/{{.Key}}"},
		history.Write: {Method: "PUT", Path: "/kv/{{.Key}}", Body: "{{.Value}}"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(protocoltest.NewStore())
	t.Cleanup(server.Close)
	endpoints, dial := protocoltest.Nodes(server.Listener.Addr().String(), "east-1")
	return protocoltest.Subject{Protocol: p, Endpoints: endpoints, Dial: dial}
}
