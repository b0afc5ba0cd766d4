package settings_test

import (
	"testing"

	"github.com/mcp-resilience/holdfast/mcp/client"
)

// An operator's calls go to the primary while it serves, and otherwise to a backup. No call
// fails because the client checks whether the primary is back.
func TestConfigClient(t *testing.T) {
	p := newPlatform(t, "a", "b")
	c := client.NewConfigClient(p.pool.To, []string{"a", "b"})
	t.Cleanup(c.Close)
	at := func() string {
		r, err := c.Get(t.Context(), "x", client.Linearizable)
		if err != nil {
			return err.Error()
		}
		return r.Origin.Node
	}
	if _, err := c.Put(t.Context(), client.NewID(), "x", "1"); err != nil || at() != "a" {
		t.Fatalf("put: %v; asked %s", err, at())
	}
	p.kill("a")
	if got := at(); got == "a" || got == "b" {
		t.Fatalf("the first call after the primary's death was answered by %s", got)
	}
	for range 3 {
		if got := at(); got != "b" {
			t.Fatalf("asked %s while the primary is down", got)
		}
	}
	p.start("a")
	await(t, "the primary to be asked again", func() bool {
		got := at()
		if got != "a" && got != "b" {
			t.Fatalf("a call failed during the failback: %s", got)
		}
		return got == "a"
	})
	if _, err := c.Put(t.Context(), client.NewID(), "refuse", ""); !client.NoEffect(err) {
		t.Errorf("a refusal is %v, want a proof that it had no effect", err)
	}
	if _, err := c.Delete(t.Context(), client.NewID(), "x"); err != nil {
		t.Error(err)
	}
}
