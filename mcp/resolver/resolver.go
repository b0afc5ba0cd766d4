// Package resolver connects to logical addresses such as "north-1:7400". It reads a
// hosts(5) file first, then asks the system's resolver. So a node needs only the names of
// its peers, wherever they run.
package resolver

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// Resolver resolves names and dials. The zero value asks only the system.
type Resolver struct {
	// HostsFile is the path of a hosts(5) file, which is read at each lookup. Empty means none.
	HostsFile string
	// Timeout limits each dial. 0 means 1 s.
	Timeout time.Duration
}

// Dial connects to a logical address over "tcp" or "udp".
func (r Resolver) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	if ip, err := r.Lookup(host); err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	} else if ip != "" {
		host = ip
	}
	timeout := r.Timeout
	if timeout == 0 {
		timeout = time.Second
	}
	d := net.Dialer{Timeout: timeout}
	conn, err := d.DialContext(ctx, network, net.JoinHostPort(host, port))
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return conn, nil
}

// Lookup returns the address of a name in the hosts file, or "" if the name is not there.
func (r Resolver) Lookup(name string) (string, error) {
	if r.HostsFile == "" {
		return "", nil
	}
	f, err := os.Open(r.HostsFile)
	if err != nil {
		return "", fmt.Errorf("look up %s: %w", name, err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(text)
		if len(fields) > 1 && slices.Contains(fields[1:], name) {
			return fields[0], nil
		}
	}
	return "", lines.Err()
}
