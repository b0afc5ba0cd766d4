package resolver_test

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/resolver"
)

func TestDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	hosts := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(hosts, []byte("# peers\n127.0.0.1 north-1 n1 # alias\n\n127.0.0.2 south-1\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, hosts, addr string
		ok                bool
	}{
		{"a name of the file", hosts, "north-1:" + port, true},
		{"its alias", hosts, "n1:" + port, true},
		{"a comment is no name", hosts, "alias:" + port, false},
		{"a name of the system", hosts, "localhost:" + port, true},
		{"an address", hosts, "127.0.0.1:" + port, true},
		{"without a file", "", "127.0.0.1:" + port, true},
		{"another host's port is closed", hosts, "south-1:" + port, false},
		{"a file that is not there", hosts + ".gone", "north-1:" + port, false},
		{"no port", hosts, "north-1", false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			conn, err := resolver.Resolver{HostsFile: tc.hosts}.Dial(context.Background(), "tcp", tc.addr)
			if (err == nil) != tc.ok {
				t.Fatalf("dial %s: error %v, want success %v", tc.addr, err, tc.ok)
			}
			if err == nil {
				conn.Close()
			}
		})
	}
}
