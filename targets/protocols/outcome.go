package protocols

import (
	"fmt"

	"github.com/mcp-resilience/holdfast/history"
)

// NotSent completes an operation of which no server has received a byte: it has failed.
func NotSent(op history.Op, err error) history.Op {
	op.Outcome, op.Error = history.Failed, err.Error()
	return op
}

// Rejected completes an operation that a server answered with an error which proves that it had no effect.
func Rejected(op history.Op, via Endpoint, err error) history.Op {
	op.Outcome, op.Rejected, op.Error = history.Failed, true, viaError(via, err)
	return op
}

// NoProof completes an operation that may have reached a server and has no answer, or one that proves
// nothing. A write may take effect at any later time; a read changes nothing and has failed.
func NoProof(op history.Op, via Endpoint, err error) history.Op {
	op.Outcome, op.Error = history.Unknown, viaError(via, err)
	if op.Kind.Class() == history.Reads {
		op.Outcome = history.Failed
	}
	return op
}

// Unsupported completes an operation that the protocol cannot say.
func Unsupported(op history.Op, protocol string) history.Op {
	op.Outcome, op.Error = history.Failed, fmt.Sprintf("the %s client has no operation %q with its settings", protocol, op.Kind)
	return op
}

// Acknowledged completes an operation that an endpoint has acknowledged.
func Acknowledged(op history.Op, by Endpoint) history.Op {
	op.Outcome, op.Node = history.OK, by.Node
	return op
}

// RefuseWrite completes an operation that is no read, for readers.
func RefuseWrite(op history.Op) history.Op {
	op.Outcome, op.Error = history.Failed, fmt.Sprintf("a reader of one node cannot %s", op.Kind)
	return op
}

func viaError(via Endpoint, err error) string {
	return fmt.Sprintf("via %s: %v", via.Node, err)
}
