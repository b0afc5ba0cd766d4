package client

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestHedge(t *testing.T) {
	hang := func(ctx context.Context) (string, error) {
		<-ctx.Done()
		return "", ctx.Err()
	}
	fail := func(context.Context) (string, error) { return "", errors.New("down") }
	good := func(s string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return s, nil }
	}
	late := func(ctx context.Context) (string, error) { // succeeds when hedge has returned
		<-ctx.Done()
		return "late", nil
	}
	for _, tc := range []struct {
		name      string
		tries     []func(context.Context) (string, error)
		want      string
		discarded []string
	}{
		{"the first is good", []func(context.Context) (string, error){good("a"), good("b")}, "a", nil},
		{"the first fails", []func(context.Context) (string, error){fail, good("b")}, "b", nil},
		{"two hang", []func(context.Context) (string, error){hang, hang, good("c")}, "c", nil},
		{"a late success is discarded", []func(context.Context) (string, error){late, good("b")}, "b", []string{"late"}},
		{"all fail", []func(context.Context) (string, error){fail, fail}, "", nil},
		{"nothing to try", nil, "", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var work sync.WaitGroup
			var mu sync.Mutex
			var discarded []string
			got, err := hedge(context.Background(), work.Go, len(tc.tries),
				func(ctx context.Context, i int) (string, error) { return tc.tries[i](ctx) },
				func(s string) {
					mu.Lock()
					defer mu.Unlock()
					discarded = append(discarded, s)
				})
			work.Wait()
			if got != tc.want || (err != nil) != (tc.want == "") {
				t.Errorf("got %q, error %v; want %q", got, err, tc.want)
			}
			if !slices.Equal(discarded, tc.discarded) {
				t.Errorf("discarded %v, want %v", discarded, tc.discarded)
			}
		})
	}
}

func TestHedgeEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	var work sync.WaitGroup
	_, err := hedge(ctx, work.Go, 1, func(ctx context.Context, _ int) (int, error) {
		cancel()
		<-ctx.Done()
		return 0, ctx.Err()
	}, nil)
	work.Wait()
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

func TestGatewaysAreDrawnByWeight(t *testing.T) {
	as := []answer{{node: "east-1", weight: 70}, {node: "north-1", weight: 20}, {node: "south-1", weight: 10}}
	d := newWeightedRand(1)
	first := map[string]int{}
	for range 10000 {
		order := d.order(as)
		if len(order) != len(as) {
			t.Fatalf("%d of %d are drawn: %v", len(order), len(as), order)
		}
		first[order[0].node]++
	}
	for _, a := range as { // with this seed, 10,000 draws deviate by less than 1.5 %
		if share := first[a.node]; share < 100*a.weight-150 || share > 100*a.weight+150 {
			t.Errorf("%s came first in %d of 10000 draws, want about %d", a.node, share, 100*a.weight)
		}
	}
}
