package node_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

// listening lists the ports at which anybody listens on an address, as the kernel knows them.
func listening(t *testing.T, table, addr string) []int {
	t.Helper()
	b, err := os.ReadFile("/proc/net/" + table)
	if err != nil {
		t.Skip("the kernel does not say who listens: ", err)
	}
	ip := net.ParseIP(addr).To4()
	want := fmt.Sprintf("%08X", binary.NativeEndian.Uint32(ip))
	var out []int
	for line := range strings.Lines(string(b)) {
		f := strings.Fields(line) // 0: 0100007F:1CE8 00000000:0000 0A …
		if len(f) < 4 {
			continue
		}
		host, port, _ := strings.Cut(f[1], ":")
		if host != want || (table == "tcp" && f[3] != "0A") {
			continue
		}
		p, err := hex.DecodeString(port)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, int(binary.BigEndian.Uint16(p)))
	}
	slices.Sort(out)
	return out
}

// opening is what somebody who does not speak TLS would begin with.
func openings(t *testing.T) map[string][]byte {
	t.Helper()
	question, err := new(dns.Msg).SetQuestion(nodespec.DNSZone, dns.TypeSRV).Pack()
	if err != nil {
		t.Fatal(err)
	}
	return map[string][]byte{
		"nothing":           nil,
		"HTTP":              []byte("GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"),
		"gRPC":              []byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		"DNS":               append(binary.BigEndian.AppendUint16(nil, uint16(len(question))), question...),
		"consensus":         append([]byte{1}, bytes.Repeat([]byte{0x80}, 64)...),
		"the message bus":   []byte("CONNECT {\"verbose\":true}\r\nPING\r\n"),
		"a route of a bus":  []byte("INFO {\"server_id\":\"x\"}\r\nPING\r\n"),
		"TLS and then HTTP": append([]byte{22, 3, 1, 0, 2, 1, 0}, "GET / HTTP/1.1\r\n\r\n"...),
	}
}

// inTheClear returns what a port answers to one who does not speak TLS; an
// alert of TLS, by which it hangs up, is no answer.
func inTheClear(t *testing.T, addr string, opening []byte) []byte {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write(opening); err != nil {
		return nil
	}
	var got []byte
	buf := make([]byte, 1024)
	_ = conn.SetReadDeadline(time.Now().Add(700 * time.Millisecond))
	for {
		n, err := conn.Read(buf)
		got = append(got, buf[:n]...)
		if err != nil {
			break
		}
	}
	if len(got) >= 2 && got[0] == 21 && got[1] == 3 {
		return nil
	}
	if bytes.HasPrefix(got, []byte("HTTP/1.0 400 Bad Request")) && bytes.Contains(got, []byte("HTTP request to an HTTPS server")) {
		return nil // Go's server says so, and nothing else
	}
	return got
}

func TestNothingListensInTheClear(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	const name = "north-1"
	addr := c.Addr(name)
	if udp := listening(t, "udp", addr); len(udp) > 0 {
		t.Errorf("listens on UDP ports %v", udp)
	}
	ports := listening(t, "tcp", addr)
	for _, must := range []int{nodespec.APIPort, nodespec.RaftPort, nodespec.DNSPort, nodespec.EventsPort, nodespec.LocalPort} {
		if !slices.Contains(ports, must) {
			t.Errorf("does not listen on %d, only on %v: the test does not see what it should", must, ports)
		}
	}
	for _, port := range ports {
		at := net.JoinHostPort(addr, strconv.Itoa(port))
		said := map[string]string{}
		for kind, opening := range openings(t) {
			if got := inTheClear(t, at, opening); len(got) > 0 {
				said[kind] = fmt.Sprintf("%q", got[:min(len(got), 80)])
			}
		}
		if port == nodespec.LocalPort { // the control: what is in the clear is seen to be
			if len(said) == 0 {
				t.Errorf("port %d is in the clear, and nothing was heard", port)
			}
			continue
		}
		for kind, got := range said {
			t.Errorf("port %d, spoken to as %s, says %s", port, kind, got)
		}
	}
}

// What is sent in the clear shows how the node is, and nothing that it stores.
func TestOnlyHealthAndMetricsAreInTheClear(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	for path, want := range map[string]int{"/healthz": 200, "/metrics": 200, "/events": 404, "/status": 404, "/": 404} {
		r, err := http.Get(fmt.Sprintf("http://%s:%d%s", c.Addr("east-1"), nodespec.LocalPort, path))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, r.Status, want)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestConsensusIsForNodesAlone(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	at := fmt.Sprintf("%s:%d", "east-1", nodespec.RaftPort)
	// A node's connection waits for requests; a client's is closed before the first.
	heard := func(who *tls.Config) error {
		conn, err := c.TLSDialer(who)(within(t, 5*time.Second), "tcp", at)
		if err != nil {
			return err
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(time.Second))
		_, err = conn.Read(make([]byte, 1))
		return err
	}
	if err := heard(c.NodeIdentity("north-1").ClientConfig()); !os.IsTimeout(err) {
		t.Errorf("a node is heard: %v, want that it is waited for", err)
	}
	for name, who := range map[string]*tls.Config{"a client": c.Identity().ClientConfig(), "nobody": c.Identity().AnonymousClientConfig()} {
		if err := heard(who); err == nil || os.IsTimeout(err) || context.Cause(t.Context()) != nil {
			t.Errorf("%s speaks consensus: %v", name, err)
		}
	}
}
