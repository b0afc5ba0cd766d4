// Package names turns logical addresses ("north-1:7400") into connections. It
// looks into a hosts(5) file first, then asks the system, so that a node's
// peers can live anywhere without the node knowing.
package names

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

// Resolver resolves and dials. The zero value asks the system alone.
type Resolver struct {
	// Hosts is the path of a hosts(5) file, read at each look-up; empty means none.
	Hosts string
	// Timeout bounds each dial; 0 means 1 s.
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

// Lookup finds a name in the hosts file; empty means that it is not there.
func (r Resolver) Lookup(name string) (string, error) {
	if r.Hosts == "" {
		return "", nil
	}
	f, err := os.Open(r.Hosts)
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
