package gateway

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// What a starved leader refuses is refused by the gateways too for as long as
// it asked, without asking it; what the platform itself commits is not.
func TestAStarvedLeaderIsLeftAlone(t *testing.T) {
	busy := (&Admission{Name: "leader"}).refuse("relayed", "leader", "short of CPU", 100*time.Millisecond)
	asked := 0
	g := &Gateway{Name: "self", Consensus: &script{answers: []error{nil}}}
	leader := head{func() (string, <-chan struct{}) { return "leader", nil }, ""}
	call := func(k kind, answer error) error {
		_, _, err := insist(t.Context(), g, leader, k, func(context.Context, string) (int, error) {
			asked++
			return 0, answer
		})
		return err
	}
	for i, tc := range []struct {
		kind   kind
		answer error
		asked  int
		code   codes.Code
	}{
		{mutation, nil, 1, codes.OK},
		{mutation, busy, 2, codes.ResourceExhausted},
		{mutation, nil, 2, codes.ResourceExhausted},
		{read, nil, 2, codes.ResourceExhausted},
		{once, nil, 3, codes.OK},
	} {
		err := call(tc.kind, tc.answer)
		if asked != tc.asked || status.Code(err) != tc.code || err != nil && !api.Refused(err) {
			t.Errorf("call %d: asked %d times, %v; want %d, %s", i+1, asked, err, tc.asked, tc.code)
		}
	}
	for end := time.Now().Add(5 * time.Second); call(read, nil) != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the leader is left alone for longer than it asked")
		}
	}
}
