package etcd

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// answering is etcd's API with one answer to everything.
type answering struct {
	pb.UnimplementedKVServer
	err     error
	arrived func() // called instead of answering
}

func (a answering) Put(ctx context.Context, _ *pb.PutRequest) (*pb.PutResponse, error) {
	if a.arrived != nil {
		a.arrived()
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, a.err
}

func (a answering) Range(context.Context, *pb.RangeRequest) (*pb.RangeResponse, error) {
	return nil, a.err
}

// connected is a member whose connections are made by dial.
func connected(t *testing.T, dial func(context.Context, string) (net.Conn, error)) *member {
	t.Helper()
	conn, err := grpc.NewClient("passthrough:///x", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(dial), grpc.WithConnectParams(reconnect), grpc.WithStatsHandler(sentTracker{}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &member{"east-1", conn, pb.NewKVClient(conn)}
}

// serving starts a server and returns how to dial it.
func serving(t *testing.T, kv pb.KVServer) func(context.Context, string) (net.Conn, error) {
	t.Helper()
	l := listening(t)
	s := grpc.NewServer()
	pb.RegisterKVServer(s, kv)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	t.Cleanup(func() { s.Stop(); <-done })
	return to(l)
}

func listening(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func to(l net.Listener) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", l.Addr().String())
	}
}

// An error is Failed only with proof. Each case that is Unknown here is the
// negative control of one that is Failed.
func TestOutcomeOfAnError(t *testing.T) {
	write := history.Op{Kind: history.Write, Key: "k", Value: "v"}
	read := history.Op{Kind: history.Read, Key: "k"}
	var giveUp context.CancelFunc // of the present case's client
	for name, c := range map[string]struct {
		dial func(context.Context, string) (net.Conn, error)
		op   history.Op
		want history.Outcome
	}{
		"write, connection refused": {
			func(context.Context, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }, write, history.Failed,
		},
		"write, a connection that is never answered": {to(listening(t)), write, history.Failed}, // no HTTP/2 settings, so nothing was sent
		"write, no leader":                           {serving(t, answering{err: rpctypes.ErrGRPCNoLeader}), write, history.Failed},
		"write, too many requests":                   {serving(t, answering{err: rpctypes.ErrGRPCRequestTooManyRequests}), write, history.Failed},
		"write, no answer":                           {serving(t, answering{arrived: func() { giveUp() }}), write, history.Unknown},
		"write, timed out in etcd":                   {serving(t, answering{err: rpctypes.ErrGRPCTimeout}), write, history.Unknown},
		"write, leader lost meanwhile":               {serving(t, answering{err: rpctypes.ErrGRPCTimeoutDueToLeaderFail}), write, history.Unknown},
		"write, leader changed":                      {serving(t, answering{err: rpctypes.ErrGRPCLeaderChanged}), write, history.Unknown},
		"write, server stopped":                      {serving(t, answering{err: rpctypes.ErrGRPCStopped}), write, history.Unknown},
		"write, connection lost once it was sent":    {dropsFirstRequest(t), write, history.Unknown},
		"read, timed out in etcd":                    {serving(t, answering{err: rpctypes.ErrGRPCTimeout}), read, history.Failed},
	} {
		t.Run(name, func(t *testing.T) {
			limit := 30 * time.Second
			if c.want == history.Failed {
				limit = 300 * time.Millisecond
			}
			var ctx context.Context
			ctx, giveUp = context.WithTimeout(t.Context(), limit)
			defer giveUp()
			got, err := connected(t, c.dial).do(ctx, c.op)
			if want := name == "write, no leader" || name == "write, too many requests"; got.Rejected != want {
				t.Errorf("answered is %v, want %v", got.Rejected, want)
			}
			if got.Outcome != c.want || got.Error == "" || err == nil {
				t.Errorf("got %s (%s), want %s", got.Outcome, got.Error, c.want)
			}
		})
	}
}

// dropsFirstRequest serves until a request arrives and then closes the connection.
func dropsFirstRequest(t *testing.T) func(context.Context, string) (net.Conn, error) {
	var conn net.Conn
	dial := serving(t, hangUp{do: func() { _ = conn.Close() }})
	return func(ctx context.Context, addr string) (net.Conn, error) {
		if conn != nil {
			return nil, errors.New("once only")
		}
		var err error
		conn, err = dial(ctx, addr)
		return conn, err
	}
}

type hangUp struct {
	pb.UnimplementedKVServer
	do func()
}

func (h hangUp) Put(context.Context, *pb.PutRequest) (*pb.PutResponse, error) {
	h.do()
	return nil, errors.New("nobody hears this")
}

func TestElected(t *testing.T) {
	says := func(id, leader, term uint64) *pb.StatusResponse {
		return &pb.StatusResponse{Header: &pb.ResponseHeader{MemberId: id}, Leader: leader, RaftTerm: term}
	}
	type statuses = map[topology.NodeID]*pb.StatusResponse
	for name, c := range map[string]struct {
		statuses statuses
		want     topology.NodeID
	}{
		"all agree":                            {statuses{"a": says(1, 1, 2), "b": says(2, 1, 2), "c": says(3, 1, 2)}, "a"},
		"one does not answer":                  {statuses{"a": says(1, 2, 2), "b": says(2, 2, 2)}, "b"},
		"an old leader that does not know yet": {statuses{"a": says(1, 1, 2), "b": says(2, 2, 3), "c": says(3, 2, 3)}, "b"},
		"a leader alone":                       {statuses{"a": says(1, 1, 2)}, ""},
		"an old leader and no new one":         {statuses{"a": says(1, 1, 2), "b": says(2, 0, 3), "c": says(3, 0, 3)}, ""},
		"followers of one that is silent":      {statuses{"b": says(2, 1, 2), "c": says(3, 1, 2)}, ""},
		"nobody answers":                       {nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got, err := findLeader(3, c.statuses); got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}

func TestAClientLeavesADoubtfulMemberAndComesBack(t *testing.T) {
	a, b := new(member), new(member)
	u := &client{members: []*member{a, b}, suspects: map[*member]time.Time{}, wake: make(chan struct{}, 1)}
	steps := []struct {
		what string
		do   func()
		want *member
	}{
		{"none suspected", func() {}, a},
		{"the first suspected", func() { u.suspect(a) }, b},
		{"both suspected", func() { u.suspect(b) }, a},
		{"the first suspected again", func() { u.suspect(a) }, b},
		{"the first trusted", func() { u.clearSuspicion(a) }, a},
	}
	for _, s := range steps {
		if s.do(); u.choose() != s.want {
			t.Errorf("%s: chose the wrong member", s.what)
		}
	}
}
