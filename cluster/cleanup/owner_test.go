package cleanup_test

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// withField is the id of this process with one field changed.
func withField(t *testing.T, i int, value string) cleanup.Owner {
	t.Helper()
	f := strings.SplitN(cleanup.Self().String(), ":", 5)
	f[i] = value
	id, err := cleanup.ParseOwner(strings.Join(f, ":"))
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestLiveness(t *testing.T) {
	child := exec.Command("sleep", "60")
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	dead := child.Process.Pid
	_ = child.Process.Kill()
	_ = child.Wait()

	self := cleanup.Self()
	again, err := cleanup.ParseOwner(self.String())
	if err != nil || again != self {
		t.Fatalf("ParseOwner(%q) = %v, %v", self, again, err)
	}
	for name, c := range map[string]struct {
		id   cleanup.Owner
		want cleanup.Liveness
	}{
		"this process":                          {self, cleanup.Alive},
		"a pid that nobody has":                 {withField(t, 0, strconv.Itoa(dead)), cleanup.Dead},
		"the same pid, started at another time": {withField(t, 1, "1"), cleanup.Dead},
		"the same pid before a reboot":          {withField(t, 2, "other"), cleanup.Dead},
		"a process of another pid namespace":    {withField(t, 3, "1"), cleanup.Unknown},
		"a process of another machine":          {withField(t, 4, "elsewhere"), cleanup.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.id.Liveness(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestParseOwnerRejectsOtherText(t *testing.T) {
	for _, s := range []string{"", "12", "12:34", ":::::", "a b"} {
		if id, err := cleanup.ParseOwner(s); err == nil {
			t.Errorf("ParseOwner(%q) = %v, want an error", s, id)
		}
	}
}
