package gateway

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// While an overloaded leader has asked for it, the gateways refuse calls of users in
// its place. Commands of the platform itself still go to it.
func TestGatewaysRefuseInPlaceOfAnOverloadedLeader(t *testing.T) {
	busy := (&Admission{Name: "leader"}).refuse(overloadedLeader, "leader", "short of CPU", 100*time.Millisecond)
	asked := 0
	g := &Gateway{Name: "self", Consensus: &scriptedLeader{answers: []error{nil}}}
	leader := route{func() (string, <-chan struct{}) { return "leader", nil }, ""}
	call := func(k retryPolicy, answer error) error {
		_, _, err := retry(t.Context(), g, leader, k, func(context.Context, string) (int, error) {
			asked++
			return 0, answer
		})
		return err
	}
	for i, tc := range []struct {
		kind   retryPolicy
		answer error
		asked  int
		code   codes.Code
	}{
		{retryMutation, nil, 1, codes.OK},
		{retryMutation, busy, 2, codes.ResourceExhausted},
		{retryMutation, nil, 2, codes.ResourceExhausted},
		{retryRead, nil, 2, codes.ResourceExhausted},
		{neverRetry, nil, 3, codes.OK},
	} {
		err := call(tc.kind, tc.answer)
		if asked != tc.asked || status.Code(err) != tc.code || err != nil && !api.Refused(err) {
			t.Errorf("call %d: asked %d times, %v; want %d, %s", i+1, asked, err, tc.asked, tc.code)
		}
	}
	for end := time.Now().Add(5 * time.Second); call(retryRead, nil) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("calls are refused in the leader's place for longer than it asked")
		}
	}
}
