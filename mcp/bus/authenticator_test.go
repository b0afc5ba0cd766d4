package bus_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/mcp/mcptest"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

// connect connects to a server with the NATS library.
func (l *linkedCluster) connect(name string, as *tls.Config, opts ...nats.Option) (*nats.Conn, error) {
	l.t.Helper()
	secure, err := pki.ExpectHost(as, name+":7420")
	if err != nil {
		l.t.Fatal(err)
	}
	addr := fmt.Sprintf("nats://%s:%d", l.addr(slices.Index(l.names, name)), nodespec.BusPort)
	opts = append(opts, nats.Secure(secure), nats.TLSHandshakeFirst(), nats.NoReconnect())
	conn, err := nats.Connect(addr, opts...)
	if err == nil {
		l.t.Cleanup(conn.Close)
	}
	return conn, err
}

// Only the platform changes streams, whatever a user requests, directly or by making the
// server send the request on the user's behalf.
func TestAUserMayOnlyPublishAndConsume(t *testing.T) {
	t.Parallel()
	l := startLinkedCluster(t)
	b := l.clientOf(l.names...)
	l.awaitLeader(b)
	want := []string{"m1", "{}", `{"stream_name":"feed"}`, ""}
	for _, m := range want[1:] { // each would be a request if it were delivered to an API subject
		id := client.NewID()
		l.await("a publish", 20*time.Second, func() bool { return l.publish(b, id, m) == nil })
	}
	reader := b.Consumer(api.Feed, "reader")
	l.await("a consumer", 20*time.Second, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return reader.Consume(ctx, 1, func(client.Message) {}) == nil
	})

	l.setTokenValid("t", true)
	operator, err := pki.NewIdentity(mcptest.Secret, "operator", pki.Operator)
	if err != nil {
		t.Fatal(err)
	}
	for who, as := range map[string]struct {
		tls   *tls.Config
		token string
	}{"a client": {l.identity().ClientConfig(), ""}, "an operator": {operator.ClientConfig(), ""}, "a user with a token": {l.identity().AnonymousClientConfig(), "t"}} {
		var refused atomic.Int64
		conn, err := l.connect("north-1", as.tls, nats.Token(as.token), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if errors.Is(err, nats.ErrPermissionViolation) {
				refused.Add(1)
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		for i, ask := range [][2]string{
			{"$JS.API.STREAM.PURGE.feed", ""},
			{"$JS.API.STREAM.DELETE.feed", ""},
			{"$JS.API.STREAM.UPDATE.feed", `{"name":"feed","subjects":["mcp.feed"],"max_msgs":1}`},
			{"$JS.API.STREAM.CREATE.mine", `{"name":"mine","subjects":["mine"]}`},
			{"$JS.API.STREAM.MSG.DELETE.feed", `{"seq":1}`},
			{"$JS.API.STREAM.SNAPSHOT.feed", `{"deliver_subject":"_INBOX.x"}`},
			{"$JS.API.STREAM.LEADER.STEPDOWN.feed", ""},
			{"$JS.API.CONSUMER.DELETE.feed.reader", ""},
			{"$JS.API.CONSUMER.PAUSE.feed.reader", `{"pause_until":"2100-01-01T00:00:00Z"}`},
			{"_INBOX.somebody", "a forged answer"},
			{"mcp.feed.late", "round the stream's subject"},
		} {
			if m, err := conn.Request(ask[0], []byte(ask[1]), 200*time.Millisecond); err == nil {
				t.Errorf("%s requests %s and gets the answer %s", who, ask[0], m.Data)
			}
			l.await(who+" to be refused "+ask[0], time.Second, func() bool { return refused.Load() == int64(i+1) })
		}
		if _, err := conn.SubscribeSync("mcp.>"); err != nil {
			t.Error(err)
		}
		l.await(who+" to be refused what others publish", time.Second, func() bool { return refused.Load() == 12 })
	}

	// The server sends to the subject that the user chooses.
	conn, err := l.connect("north-1", l.identity().ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	for i, to := range []string{"$JS.API.STREAM.PURGE.feed", "$JS.API.STREAM.DELETE.feed", "$JS.API.CONSUMER.DELETE.feed.reader"} {
		m := fmt.Sprintf("with a reply to %s", to)
		if err := conn.PublishRequest(api.Subject(api.Feed), to, []byte(m)); err != nil {
			t.Fatal(err)
		}
		want = append(want, m)
		pull, push := fmt.Sprintf("pull%d", i), fmt.Sprintf("push%d", i)
		for name, config := range map[string]string{pull: `"ack_policy":"explicit"`, push: `"ack_policy":"none","deliver_subject":"` + to + `"`} {
			_, err := conn.Request("$JS.API.CONSUMER.CREATE.feed."+name, fmt.Appendf(nil, `{"stream_name":"feed","config":{"durable_name":%q,%s}}`, name, config), 2*time.Second)
			if err != nil {
				t.Fatal(err)
			}
		}
		if err := conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT.feed."+pull, to, []byte("10")); err != nil {
			t.Fatal(err)
		}
		_ = conn.Flush()
		time.Sleep(500 * time.Millisecond) // long enough for an effect
	}
	for _, n := range l.names {
		got, _, err := l.buses[slices.Index(l.names, n)].ReadReplica(t.Context(), api.Feed)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s holds (-want +got), %v:\n%s", n, err, diff)
		}
	}
	info, err := conn.Request("$JS.API.CONSUMER.INFO.feed.reader", nil, 2*time.Second)
	if err != nil || strings.Contains(string(info.Data), `"error"`) {
		t.Errorf("the consumer is gone: %s, %v", info.Data, err)
	}
}

// A user is disconnected when its token becomes invalid.
func TestAUserWithAnInvalidTokenIsDisconnected(t *testing.T) {
	t.Parallel()
	l := startLinkedCluster(t)
	as := l.identity().AnonymousClientConfig()
	var one, other *nats.Conn
	l.setTokenValid("one", true)
	l.setTokenValid("other", true)
	l.await("a server", 20*time.Second, func() bool {
		var err error
		one, err = l.connect("east-1", as, nats.Token("one"))
		return err == nil
	})
	other, err := l.connect("east-1", as, nats.Token("other"))
	if err != nil {
		t.Fatal(err)
	}
	certified, err := l.connect("east-1", l.identity().ClientConfig())
	if err != nil {
		t.Fatal(err)
	}
	l.setTokenValid("one", false)
	l.await("the server to hang up", 5*time.Second, one.IsClosed)
	if _, err := l.connect("east-1", as, nats.Token("one")); err == nil {
		t.Error("an invalid token is accepted")
	}
	if _, err := l.connect("east-1", l.identity().ClientConfig(), nats.Token("one")); err == nil {
		t.Error("an invalid token is accepted with a certificate")
	}
	for who, conn := range map[string]*nats.Conn{"with a valid token": other, "with a certificate": certified} {
		if err := conn.Flush(); err != nil {
			t.Errorf("the user %s was disconnected: %v", who, err)
		}
	}
}

// The same with real tokens: a user whose session is revoked is disconnected from the bus.
func TestARevokedSessionEndsOnTheBus(t *testing.T) {
	t.Parallel()
	c := mcptest.Start(t, 1)
	c.BusLeader()
	conn, err := api.Connect(fmt.Sprintf("east-1:%d", nodespec.APIPort), c.Dial, api.Credentials{TLS: c.Identity().ClientConfig()})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	identities := api.NewIdentityClient(conn)
	issued, err := identities.Issue(ctx, &api.IssueRequest{})
	if err != nil {
		t.Fatal(err)
	}
	addr := fmt.Sprintf("north-1:%d", nodespec.BusPort)
	secure, err := pki.ExpectHost(c.Identity().AnonymousClientConfig(), addr)
	if err != nil {
		t.Fatal(err)
	}
	user, err := nats.Connect("nats://"+addr, nats.Secure(secure), nats.TLSHandshakeFirst(), nats.NoReconnect(), nats.SkipHostLookup(),
		nats.SetCustomDialer(dialer{ctx, c}), nats.Token(issued.Token))
	if err != nil {
		t.Fatal(err)
	}
	defer user.Close()
	time.Sleep(2500 * time.Millisecond) // the token is verified again twice
	if err := user.Flush(); err != nil {
		t.Errorf("disconnected although the token is valid: %v", err)
	}
	if _, err := identities.Revoke(ctx, &api.RevokeRequest{Token: issued.Token}); err != nil {
		t.Fatal(err)
	}
	c.Await("the server to hang up", user.IsClosed)
}

type dialer struct {
	ctx context.Context
	c   *mcptest.Cluster
}

func (d dialer) Dial(network, addr string) (net.Conn, error) { return d.c.Dial(d.ctx, network, addr) }
