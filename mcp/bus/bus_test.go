package bus_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
)

func TestMain(m *testing.M) {
	mcptest.RunChild()
	goleak.VerifyTestMain(m)
}

// publish publishes a message, again and again with the same id, until it is acknowledged,
// and returns its sequence number.
func publish(t *testing.T, c *mcptest.Cluster, b *client.Bus, message string) (seq uint64) {
	t.Helper()
	id := client.NewID()
	var last error
	defer func() {
		if t.Failed() {
			t.Logf("publish %s: %v", message, last)
		}
	}()
	c.Await("an acknowledgement of "+message, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		seq, last = b.Publish(ctx, id, api.Feed, message)
		return last == nil
	})
	return seq
}

// consume consumes n messages.
func consume(t *testing.T, c *mcptest.Cluster, consumer *client.Consumer, n int) (out []string) {
	t.Helper()
	var last error
	defer func() {
		if t.Failed() {
			t.Logf("consumed %v, then: %v", out, last)
		}
	}()
	c.Await(fmt.Sprintf("%d messages", n), func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		last = consumer.Consume(ctx, 5, func(m client.Message) { out = append(out, m.Data) })
		return len(out) >= n
	})
	return out
}

// awaitHeld waits until a node holds the wanted messages.
func awaitHeld(t *testing.T, c *mcptest.Cluster, name string, want []string) {
	t.Helper()
	d := c.NodeClient(name)
	var got []string
	var last error
	defer func() {
		if t.Failed() {
			t.Logf("%s holds %v: %v", name, got, last)
		}
	}()
	c.Await(name+" to hold what was acknowledged", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		r, err := d.Bus().ReadReplica(ctx, &api.ReadReplicaRequest{Stream: api.Feed})
		got, last = r.GetMessages(), err
		return err == nil && cmp.Equal(want, got)
	})
}

func messages(from, to int) (out []string) {
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf("m%d", i))
	}
	return out
}

func TestEveryServerHoldsTheMessagesAndTheyAreConsumedInOrder(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	b := c.Bus("south")
	for i, m := range messages(1, 12) {
		if seq := publish(t, c, b, m); seq != uint64(i+1) {
			t.Errorf("%s is message %d", m, seq)
		}
	}
	for _, n := range c.Names() {
		awaitHeld(t, c, n, messages(1, 12))
	}
	got := consume(t, c, c.Bus("north").Consumer(api.Feed, "reader"), 12)
	if diff := cmp.Diff(messages(1, 12), got); diff != "" {
		t.Errorf("consumed (-want +got):\n%s", diff)
	}
	// After a restart the consumer continues where it was.
	publish(t, c, b, "m13")
	got = consume(t, c, c.Bus("east").Consumer(api.Feed, "reader"), 1)
	if diff := cmp.Diff([]string{"m13"}, got); diff != "" {
		t.Errorf("consumed after the restart (-want +got):\n%s", diff)
	}
}

func TestMessagesWithTheSameIDAreStoredOnce(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	b := c.Bus("east")
	first := publish(t, c, b, "m1")
	id := client.NewID()
	for range 2 {
		seq, err := b.Publish(t.Context(), id, api.Feed, "m2")
		if err != nil || seq != first+1 {
			t.Errorf("publish with the same id: message %d, %v", seq, err)
		}
	}
	awaitHeld(t, c, c.Names()[0], []string{"m1", "m2"})
}

func TestFailoverOfAStreamLeader(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	old := c.BusLeader()
	users := map[string]*client.Bus{}
	for i, region := range []string{"east", "north", "south"} { // each with the server of its own region
		users[region] = c.Bus(region)
		publish(t, c, users[region], fmt.Sprintf("m%d", i+1))
	}
	reader := users["south"].Consumer(api.Feed, "reader")
	got := consume(t, c, reader, 3)
	killed := time.Now()
	c.Kill(old)
	for i, region := range []string{"east", "north", "south"} {
		publish(t, c, users[region], fmt.Sprintf("m%d", i+4))
	}
	t.Logf("publishing again %v after the leader's death", time.Since(killed).Round(time.Millisecond))
	got = append(got, consume(t, c, reader, 3)...)
	if diff := cmp.Diff(messages(1, 6), got); diff != "" {
		t.Errorf("consumed (-want +got):\n%s", diff)
	}
	next := c.BusLeader(old)
	emittedAt := func(kind string, by ...string) (at time.Time) {
		c.Await("event "+kind, func() bool {
			for _, n := range by {
				for _, e := range c.Events(n) {
					if string(e.Kind) == kind && e.Wall.After(killed) {
						at = e.Wall
						return true
					}
				}
			}
			return false
		})
		return at
	}
	var left []string
	for _, n := range c.Names() {
		if n != old {
			left = append(left, n)
		}
	}
	flow := []time.Time{emittedAt("bus suspect", left...), emittedAt("bus elected", next), emittedAt("bus remapped", next), emittedAt("bus reconnected", left...)}
	if !slices.IsSortedFunc(flow, time.Time.Compare) {
		t.Errorf("suspect, elected, remapped, reconnected were emitted at %v", flow)
	}
	c.Run(old)
	awaitHeld(t, c, old, messages(1, 6))
}

// Acknowledged messages are on disk: all servers are killed, so none has them in memory.
func TestAllServersDieAtOnce(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	b := c.Bus("east")
	for _, m := range messages(1, 20) {
		publish(t, c, b, m)
	}
	for _, n := range c.Names() {
		c.Kill(n)
	}
	for _, n := range c.Names() {
		c.Run(n)
	}
	for _, n := range c.Names() {
		awaitHeld(t, c, n, messages(1, 20))
	}
}

// A server that reaches no peers disconnects its users, so that they do not wait in vain.
func TestAnIsolatedServerDisconnectsItsUsers(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	lone := c.Names()[0]
	b := c.Bus("east")
	publish(t, c, b, "m1")
	for _, n := range c.Names() {
		if n != lone {
			c.Kill(n)
		}
	}
	c.Await(lone+" to isolate itself", func() bool {
		return slices.ContainsFunc(c.Events(lone), func(e mcptest.Event) bool { return e.Kind == "bus isolated" })
	})
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if _, err := b.Publish(ctx, client.NewID(), api.Feed, "m2"); !client.NoEffect(err) {
		t.Errorf("publish to an isolated server: %v; want a proof that it had no effect", err)
	}
}

func TestAnUnknownCertificateIsRefused(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	stranger := c.UnknownIdentity()
	b, err := client.NewBus(client.BusConfig{Dial: c.Dial, Identity: stranger, Servers: []string{"east-1:7420"}})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	var e *client.Error
	if _, err := b.Publish(ctx, client.NewID(), api.Feed, "m1"); !errors.As(err, &e) || !e.NoEffect {
		t.Errorf("publish with a certificate of another platform: %v; want a refusal", err)
	}
}

// How much is lost depends on what reached the others before the kill: a machine that is fast with it, and slow
// with the kill, loses nothing. So it is tried several times.
func TestTheDefectAckEarlyLosesAcknowledgedMessages(t *testing.T) {
	t.Parallel()
	const tries = 5
	for range tries {
		c := mcptest.Start(t, 1, "--defect", nodespec.BusAckEarly)
		c.BusLeader()
		b := c.Bus("east")
		publish(t, c, b, "m1")
		awaitHeld(t, c, "east-1", []string{"m1"})
		publish(t, c, b, "m2")
		c.Kill("east-1")
		c.BusLeader("east-1", "")
		lost := true
		for _, survivor := range []string{"north-1", "south-1"} {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			r, err := c.NodeClient(survivor).Bus().ReadReplica(ctx, &api.ReadReplicaRequest{Stream: api.Feed})
			cancel()
			t.Logf("%s holds %v: %v", survivor, r.GetMessages(), err)
			lost = lost && err == nil && !slices.Contains(r.GetMessages(), "m2")
		}
		if lost {
			return
		}
	}
	t.Errorf("an acknowledged message was lost in none of %d tries", tries)
}
