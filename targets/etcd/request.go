package etcd

import (
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/mcp-resilience/holdfast/history"
)

// Prefixes of keys in etcd. A register is one key; a set has a key for each element.
const (
	registers = "register/"
	sets      = "set/"
)

func registerKey(op history.Op) []byte { return []byte(registers + op.Key) }
func setPrefix(op history.Op) string   { return sets + op.Key + "/" }
func elementKey(op history.Op) []byte  { return []byte(setPrefix(op) + op.Value) }
func rangeRegister(op history.Op) *pb.RangeRequest {
	return &pb.RangeRequest{Key: registerKey(op), Serializable: op.Stale}
}

// rangeSet requests every key of a set.
func rangeSet(op history.Op) *pb.RangeRequest {
	prefix := setPrefix(op)
	end := prefix[:len(prefix)-1] + string(prefix[len(prefix)-1]+1) // the first key after those with the prefix
	return &pb.RangeRequest{Key: []byte(prefix), RangeEnd: []byte(end), KeysOnly: true, Serializable: op.Stale}
}

func put(op history.Op) *pb.PutRequest {
	if op.Kind == history.Add {
		return &pb.PutRequest{Key: elementKey(op)}
	}
	return &pb.PutRequest{Key: registerKey(op), Value: []byte(op.Value)}
}

// compareAndSet writes if the register holds the expected value. An empty expectation
// means that the register has never been written.
func compareAndSet(op history.Op) *pb.TxnRequest {
	holds := &pb.Compare{
		Key: registerKey(op), Result: pb.Compare_EQUAL, Target: pb.Compare_VALUE,
		TargetUnion: &pb.Compare_Value{Value: []byte(op.Expect)},
	}
	if op.Expect == "" {
		holds.Target, holds.TargetUnion = pb.Compare_CREATE, &pb.Compare_CreateRevision{CreateRevision: 0}
	}
	return &pb.TxnRequest{
		Compare: []*pb.Compare{holds},
		Success: []*pb.RequestOp{{Request: &pb.RequestOp_RequestPut{
			RequestPut: &pb.PutRequest{Key: registerKey(op), Value: []byte(op.Value)},
		}}},
	}
}

func value(r *pb.RangeResponse) string {
	if len(r.Kvs) == 0 {
		return ""
	}
	return string(r.Kvs[0].Value)
}

func elements(op history.Op, r *pb.RangeResponse) []string {
	out := make([]string, len(r.Kvs))
	for i, kv := range r.Kvs {
		out[i] = strings.TrimPrefix(string(kv.Key), setPrefix(op))
	}
	return out
}
