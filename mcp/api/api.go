// Package api is the platform's wire contract, generated from the .proto files
// beside it, what dialling a node needs, and the functions that read and write
// its error convention: an error that carries a Refusal proves that nothing
// happened, any other leaves it unknown.
package api

//go:generate go run ./generate

import (
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Refuse makes the error of a call that was refused before it could have any effect. Leader
// is the leader as far as the node knows, and may be empty.
func Refuse(code codes.Code, node, leader, reason string) error {
	st, err := status.New(code, node+" refused: "+reason).
		WithDetails(&Refusal{Node: node, Reason: reason, Leader: leader})
	if err != nil { // only for codes.OK
		panic(err)
	}
	return st.Err()
}

// RetryAfter returns how long the caller should wait before a retry, if the error says so.
func RetryAfter(err error) (after time.Duration, ok bool) {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// Refused reports whether the error proves that the call had no effect.
func Refused(err error) bool {
	st, ok := status.FromError(err)
	if !ok {
		return false
	}
	for _, d := range st.Details() {
		if _, ok := d.(*Refusal); ok {
			return true
		}
	}
	return false
}

// Feed is the stream that the platform's message bus keeps.
const Feed = "feed"

// Subject is the NATS subject to which messages for a stream of the bus are published.
func Subject(stream string) string { return "mcp." + stream }
