package exec_test

import (
	"net/http/httptest"
	osexec "os/exec"
	"testing"

	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols/exec"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The programs are held to what is expected of the clients in the box.
func TestConformance(t *testing.T) {
	for name, tt := range map[string]struct {
		needs      []string
		command    []string
		operations []history.Kind
	}{
		"Python": {
			[]string{"python3"},
			[]string{"python3", "client.py"},
			[]history.Kind{history.Read, history.Write, history.CAS, history.Add, history.SetRead},
		},
		"shell": {
			[]string{"sh", "curl", "jq"}, []string{"sh", "client.sh"}, []history.Kind{history.Read, history.Write, history.CAS},
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, program := range tt.needs {
				if _, err := osexec.LookPath(program); err != nil {
					t.Skip(err)
				}
			}
			p, err := exec.New(exec.Settings{Command: tt.command, Operations: tt.operations})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(protocoltest.NewStore())
			defer server.Close()
			endpoints, dial := protocoltest.Nodes(server.Listener.Addr().String(), "east-1", "east-2")
			protocoltest.Run(t, protocoltest.Subject{
				Protocol: p, Endpoints: endpoints, Dial: dial, Query: "/status", Answer: `"leader"`,
			})
		})
	}
}
