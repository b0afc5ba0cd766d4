package suggest_test

import (
	"fmt"
	"testing"

	"github.com/mcp-resilience/holdfast/internal/suggest"
)

func TestClosest(t *testing.T) {
	valid := []string{"latency", "bandwidth", "partition", "isolate", "kill", "pause", "restart"}
	for _, c := range []struct{ in, want string }{
		{"kil", "kill"},
		{"partitoin", "partition"},
		{"Pause", "pause"},
		{"reset", "restart"},
		{"isloate", "isolate"},
		{"earthquake", ""},
		{"", ""},
		{string(make([]byte, 1000)), ""},
	} {
		if got := suggest.Closest(c.in, valid); got != c.want {
			t.Errorf("Closest(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func ExampleClosest() {
	regions := []string{"east", "north", "south"}
	fmt.Println(suggest.Closest("nroth", regions))
	fmt.Printf("%q\n", suggest.Closest("antarctica", regions))
	// Output:
	// north
	// ""
}
