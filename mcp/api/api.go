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

// Refuse makes the error of a call that was refused before it could have any
// effect. Leader may be empty.
func Refuse(code codes.Code, node, leader, reason string) error {
	st, err := status.New(code, node+" refused: "+reason).
		WithDetails(&Refusal{Node: node, Reason: reason, Leader: leader})
	if err != nil { // only for codes.OK
		panic(err)
	}
	return st.Err()
}

// RetryAfter is when the caller may try again, as far as the error says.
func RetryAfter(err error) (after time.Duration, told bool) {
	for _, d := range status.Convert(err).Details() {
		if r, ok := d.(*errdetails.RetryInfo); ok {
			return r.GetRetryDelay().AsDuration(), true
		}
	}
	return 0, false
}

// Refused says whether the error proves that the call had no effect.
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
