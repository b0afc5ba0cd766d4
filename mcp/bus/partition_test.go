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
	"github.com/mcp-resilience/holdfast/mcp/trust"
)

// direct lists connections to a server's port for routes that came by no link:
// the doors take connections of servers, and only doors may connect to servers.
func (l *linked) direct() (out []string) {
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

// endpoint reads the kernel's notation, such as 0100007F:1CFD.
func endpoint(s string) (ip string, port int) {
	a, p, _ := strings.Cut(s, ":")
	if b, err := hex.DecodeString(a); err == nil && len(b) == 4 {
		slices.Reverse(b)
		ip = net.IP(b).String()
	}
	_, _ = fmt.Sscanf(p, "%X", &port)
	return ip, port
}

// up waits until the stream takes messages, and returns who leads it.
func (l *linked) up(b *client.Bus) (leader string) {
	l.t.Helper()
	id := client.NewID()
	l.await("a publish", time.Minute, func() bool { return l.publish(b, id, "m1") == nil })
	l.await("a leader", time.Minute, func() bool {
		for _, n := range l.names {
			if l.tells(n, events.BusElected) > 0 {
				leader = n
			}
		}
		return leader != ""
	})
	return leader
}

func (l *linked) publish(b *client.Bus, id, message string) error {
	ctx, cancel := context.WithTimeout(l.t.Context(), 2*time.Second)
	defer cancel()
	_, err := b.Publish(ctx, id, api.Feed, message)
	return err
}

func (l *linked) others(name string) []string {
	return slices.DeleteFunc(slices.Clone(l.names), func(n string) bool { return n == name })
}

// Servers gossip their peers' addresses, to each other and to clients. What
// they could learn so would lead past the links.
func TestNoAddressLeadsPastAPartition(t *testing.T) {
	t.Parallel()
	l := startLinked(t)
	l.up(l.user(l.names...))
	const alone = "south-1"
	others := l.user(l.others(alone)...)
	if past := l.direct(); past != nil {
		t.Fatalf("before the partition servers are connected past their links: %v", past)
	}

	secure, err := trust.For(l.who().Dial(), alone+":7420")
	if err != nil {
		t.Fatal(err)
	}
	conn, err := nats.Connect(fmt.Sprintf("nats://%s:%d", l.addr(2), nodespec.BusPort), nats.Secure(secure), nats.TLSHandshakeFirst(), nats.NoReconnect())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if learnt := conn.DiscoveredServers(); len(learnt) != 0 {
		t.Errorf("a client of %s is told of servers at %v; want none", alone, learnt)
	}

	l.isolate(alone)
	l.await(alone+" to be isolated", 20*time.Second, func() bool { return l.tells(alone, events.BusIsolated) == 1 })
	// The others go on telling each other what they know: for ten of the
	// library's attempts to connect again, a second apart.
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if past := l.direct(); past != nil {
			t.Fatalf("the partition is bypassed: %v", past)
		}
		if l.tells(alone, events.BusRejoined) > 0 {
			t.Fatalf("%s has a route to another while all its links are cut", alone)
		}
	}
	l.await("a publish among the others", 20*time.Second, func() bool { return l.publish(others, client.NewID(), "m2") == nil })
	l.join(alone)
	l.await(alone+" to be back", 20*time.Second, func() bool { return l.tells(alone, events.BusRejoined) == 1 })
	if past := l.direct(); past != nil {
		t.Errorf("after the partition servers are connected past their links: %v", past)
	}
}

// The end of a cut-off leader's log is in nobody else's. The library takes it
// back message by message, two seconds each, and until it hears of the next
// leader this one takes itself for it: what it says it holds must be all.
func TestALeaderThatWasCutOffCatchesUp(t *testing.T) {
	t.Parallel()
	l := startLinked(t)
	leader := l.up(l.user(l.names...))
	here, there := l.user(leader), l.user(l.others(leader)...)
	want := []string{"m1"}

	l.isolate(leader)
	const tail = 30
	for i := range tail { // one after the other: what comes together shares an entry of the log
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if _, err := here.Publish(ctx, client.NewID(), api.Feed, fmt.Sprintf("never %d", i)); err == nil {
			t.Error("a leader that is cut off acknowledges a message")
		}
		cancel()
	}
	for i := range 3 * tail {
		id, m := client.NewID(), fmt.Sprintf("kept %d", i)
		l.await("an acknowledgement of "+m, 30*time.Second, func() bool { return l.publish(there, id, m) == nil })
		want = append(want, m)
	}
	l.await(leader+" to be isolated", 20*time.Second, func() bool { return l.tells(leader, events.BusIsolated) == 1 })
	l.join(leader)
	joined := time.Now()
	l.await(leader+" to be back", 20*time.Second, func() bool { return l.tells(leader, events.BusRejoined) == 1 })

	b := l.buses[slices.Index(l.names, leader)]
	var got []string
	l.await(leader+" to hold all", 25*time.Second, func() (done bool) {
		var err error
		got, _, err = b.Held(t.Context(), api.Feed)
		return err == nil
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s holds (-want +got):\n%s", leader, diff)
	}
	t.Logf("%s has caught up %v after its links were mended", leader, time.Since(joined).Round(time.Millisecond))
}
