package client

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

func TestRejected(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want bool
	}{
		"refused":                     {api.Refuse(codes.Unavailable, "east-1", "", "no leader known"), true},
		"refused, through the client": {&Error{Op: "write x", Node: "east-1", NoEffect: true, Err: api.Refuse(codes.Unavailable, "east-1", "", "no leader known")}, true},
		"the stream has no leader":    {&Error{Op: "publish x", NoEffect: true, Err: fmt.Errorf("publish: %w", jetstream.ErrNoStreamResponse)}, true},
		"no gateway was found":        {&Error{Op: "write x", NoEffect: true, Err: errors.New("no gateway")}, false},
		"nothing was sent":            {&Error{Op: "write x", Node: "east-1", NoEffect: true, Err: status.Error(codes.Unavailable, "connection refused")}, false},
		"no answer came":              {&Error{Op: "write x", Node: "east-1", Err: context.DeadlineExceeded}, false},
	} {
		if got := Rejected(c.err); got != c.want {
			t.Errorf("%s: Rejected(%v) = %v, want %v", name, c.err, got, c.want)
		}
	}
}
