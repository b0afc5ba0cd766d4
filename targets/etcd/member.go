package etcd

import (
	"context"
	"fmt"
	"net"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// member is a connection to one member of the cluster, over the links of one client
// region. It calls etcd's API without etcd's client, which retries reads and chooses
// among members without telling; here each attempt must be one operation on a known
// member.
type member struct {
	id   topology.NodeID
	conn *grpc.ClientConn
	kv   pb.KVClient
}

// A connection that fails is tried again soon. The default would wait for up to two
// minutes after a long outage.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 300 * time.Millisecond},
	MinConnectTimeout: time.Second,
}

// maxMessageSize is the largest answer that is accepted, in bytes. It must hold a whole set.
const maxMessageSize = 256 << 20

// dialMember makes the connection to a member. It is opened at its first use.
func dialMember(c *cluster.Cluster, from topology.Region, id topology.NodeID) (*member, error) {
	dial := c.Dialer(from)
	conn, err := grpc.NewClient("passthrough:///"+address(id, clientPort),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(ctx context.Context, addr string) (net.Conn, error) { return dial(ctx, "tcp", addr) }),
		grpc.WithConnectParams(reconnect), grpc.WithDisableRetry(), grpc.WithDisableServiceConfig(),
		grpc.WithStatsHandler(sentTracker{}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessageSize)))
	if err != nil {
		return nil, fmt.Errorf("etcd member %s: %w", id, err)
	}
	return &member{id, conn, pb.NewKVClient(conn)}, nil
}

// needLeader asks a member to reject a request at once when it knows no leader,
// instead of keeping it until it times out.
func needLeader(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "hasleader", "true")
}

// do executes one operation on this member, and never retries. The error is that of
// the call, so that the caller can choose another member.
func (m *member) do(ctx context.Context, op history.Op) (history.Op, error) {
	ctx, sent := trackSent(needLeader(ctx))
	var head *pb.ResponseHeader
	var err error
	switch op.Kind {
	case history.Read:
		var r *pb.RangeResponse
		if r, err = m.kv.Range(ctx, rangeRegister(op)); err == nil {
			head, op.Output = r.Header, value(r)
		}
	case history.SetRead:
		var r *pb.RangeResponse
		if r, err = m.kv.Range(ctx, rangeSet(op)); err == nil {
			head, op.Set = r.Header, elements(op, r)
		}
	case history.Write, history.Add:
		var r *pb.PutResponse
		if r, err = m.kv.Put(ctx, put(op)); err == nil {
			head = r.Header
		}
	case history.CAS:
		var r *pb.TxnResponse
		if r, err = m.kv.Txn(ctx, compareAndSet(op)); err == nil {
			head, op.Applied = r.Header, r.Succeeded
		}
	default:
		op.Outcome, op.Error = history.Failed, fmt.Sprintf("etcd has no operation %q", op.Kind)
		return op, nil
	}
	if err != nil {
		op.Outcome, op.Error = outcome(op.Kind, err, sent.Load()), "via "+string(m.id)+": "+errorText(err)
		op.Rejected = isRejection(err)
		return op, err
	}
	op.Outcome, op.Node, op.Term, op.Revision = history.OK, m.id, head.RaftTerm, uint64(head.Revision)
	return op, nil
}

// checkQuorumRead returns nil when the member can serve a linearizable read.
func (m *member) checkQuorumRead(ctx context.Context) error {
	_, err := m.kv.Range(needLeader(ctx), &pb.RangeRequest{Key: []byte(registers), CountOnly: true})
	return err
}
