package bus_test

import (
	"bufio"
	"context"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// bypassing lists connections to a server's route port that do not come over a link: servers
// connect to links, and only links may connect to servers.
func (l *linkedCluster) bypassing() (out []string) {
	l.t.Helper()
	f, err := os.Open("/proc/net/tcp")
	if err != nil {
		l.t.Skip("no list of this machine's connections: ", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		w := strings.Fields(lines.Text())
		if len(w) < 4 || w[3] != "01" { // established
			continue
		}
		from, _ := endpoint(w[1])
		to, port := endpoint(w[2])
		for i := range l.names {
			if to == l.addr(i) && port == nodespec.RoutePort && from != l.network+".200" {
				out = append(out, fmt.Sprintf("%s → %s:%d", from, to, port))
			}
		}
	}
	return out
}

// endpoint parses an address in the kernel's notation, such as 0100007F:1CFD.
func endpoint(s string) (ip string, port int) {
	a, p, _ := strings.Cut(s, ":")
	if b, err := hex.DecodeString(a); err == nil && len(b) == 4 {
		slices.Reverse(b)
		ip = net.IP(b).String()
	}
	_, _ = fmt.Sscanf(p, "%X", &port)
	return ip, port
}

// awaitLeader waits until the stream accepts messages, and returns its leader.
func (l *linkedCluster) awaitLeader(b *client.Bus) (leader string) {
	l.t.Helper()
	id := client.NewID()
	l.await("a publish", time.Minute, func() bool { return l.publish(b, id, "m1") == nil })
	l.await("a leader", time.Minute, func() bool {
		for _, n := range l.names {
			if l.eventCount(n, events.BusElected) > 0 {
				leader = n
			}
		}
		return leader != ""
	})
	return leader
}

func (l *linkedCluster) publish(b *client.Bus, id, message string) error {
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Second)
	defer cancel()
	_, err := b.Publish(ctx, id, api.Feed, message)
	return err
}

func (l *linkedCluster) others(name string) []string {
	return slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return n == name })
}

// Servers gossip their peers' addresses, to each other and to clients. An address that they
// learnt this way would bypass the links.
func TestGossipedAddressesDoNotBypassAPartition(t *testing.T) {
	t.Parallel()
	l := startLinkedCluster(t)
	l.awaitLeader(l.clientOf(l.names...))
	const alone = "south-1"
	others := l.clientOf(l.others(alone)...)
	if past := l.bypassing(); past != nil {
		t.Fatalf("before the partition, connections bypass the links: %v", past)
	}

	secure, err := pki.ExpectHost(l.identity().ClientConfig(), alone+":7420")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(fmt.Sprintf("nats://%s:%d", l.addr(2), nodespec.BusPort), nats.Secure(secure), nats.TLSHandshakeFirst(), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if learnt := conn.DiscoveredServers(); len(learnt) != 0 {
		t.Errorf("a client of %s learns of servers at %v; want none", alone, learnt)
	}

	l.isolate(alone)
	l.await(alone+" to be isolated", 20*time.Second, func() bool { return l.eventCount(alone, events.BusIsolated) == 1 })
	// The others go on gossiping for ten of the library's reconnection attempts, which are a
	// second apart.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if past := l.bypassing(); past != nil {
			t.Fatalf("connections bypass the partition: %v", past)
		}
		if l.eventCount(alone, events.BusRejoined) > 0 {
			t.Fatalf("%s has a route to another while all its links are cut", alone)
		}
	}
	l.await("a publish among the others", 20*time.Second, func() bool { return l.publish(others, client.NewID(), "m2") == nil })
	l.join(alone)
	l.await(alone+" to be back", 20*time.Second, func() bool { return l.eventCount(alone, events.BusRejoined) == 1 })
	if past := l.bypassing(); past != nil {
		t.Errorf("after the partition, connections bypass the links: %v", past)
	}
}

// The last entries of a cut-off leader's log are in no other log. The library removes them
// one by one, two seconds each, and until the server learns of the next leader it believes
// that it leads. ReadReplica must nevertheless return every message.
func TestAFormerLeaderThatWasCutOffCatchesUp(t *testing.T) {
	t.Parallel()
	l := startLinkedCluster(t)
	leader := l.awaitLeader(l.clientOf(l.names...))
	here, there := l.clientOf(leader), l.clientOf(l.others(leader)...)
	want := []string{"m1"}

	l.isolate(leader)
	const tail = 30
	for i := range tail { // one after the other, because concurrent messages share an entry of the log
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := here.Publish(ctx, client.NewID(), api.Feed, fmt.Sprintf("never %d", i)); err == nil {
			t.Error("a leader that is cut off has acknowledged a message")
		}
		cancel()
	}
	for i := range 3 * tail {
		id, m := client.NewID(), fmt.Sprintf("kept %d", i)
		l.await("an acknowledgement of "+m, 30*time.Second, func() bool { return l.publish(there, id, m) == nil })
		want = append(want, m)
	}
	l.await(leader+" to be isolated", 20*time.Second, func() bool { return l.eventCount(leader, events.BusIsolated) == 1 })
	l.join(leader)
	joined := time.Now()
	l.await(leader+" to be back", 20*time.Second, func() bool { return l.eventCount(leader, events.BusRejoined) == 1 })

	b := l.buses[slices.Index(l.names, leader)]
	var got []string
	l.await(leader+" to hold all", 25*time.Second, func() (done bool) {
		var err error
		got, _, err = b.ReadReplica(t.Context(), api.Feed)
		return err == nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s holds (-want +got):\n%s", leader, diff)
	}
	t.Logf("%s has caught up %v after its links were mended", leader, time.Since(joined).Round(time.Millisecond))
}
