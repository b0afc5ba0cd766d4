package consensus

import (
	"path/filepath"
	"testing"
)

func isEmpty(t *testing.T, dir string) bool {
	t.Helper()
	empty, err := Empty(dir)
	if err != nil {
		t.Fatal(err)
	}
	return empty
}

func TestWhatIsExportedIsServedAfterARestore(t *testing.T) {
	g := newGroup(t, 1)
	n := g.open("n1")
	cfg := n.cfg
	leaderOf(t, n)
	propose(t, n, 0, 30)
	index, term, encoded, err := n.Export()
	if err != nil {
		t.Fatal(err)
	}
	propose(t, n, 30, 40) // younger than the export, and so not in it
	closed(t, n)

	cfg.Dir = filepath.Join(t.TempDir(), "raft")
	if !isEmpty(t, cfg.Dir) {
		t.Error("a folder that is not there is not empty")
	}
	if err := Restore(cfg, index, term, encoded[:len(encoded)/2]); err == nil {
		t.Error("half an export is restored")
	}
	if !isEmpty(t, cfg.Dir) {
		t.Error("a restore that failed has left something in the folder")
	}
	if err := Restore(cfg, index, term, encoded); err != nil {
		t.Fatal(err)
	}
	if isEmpty(t, cfg.Dir) {
		t.Error("a restored folder is empty")
	}
	g.dirs["n1"] = cfg.Dir
	n = g.open("n1")
	defer closed(t, n)
	if got, _ := n.State().Read("x"); got != "29" {
		t.Errorf("x is %q, want what the export had: 29", got)
	}
	if got := n.State().Snapshot().Index(); got != index {
		t.Errorf("restored up to %d, want %d", got, index)
	}
	leaderOf(t, n)
	if now := n.raft.CurrentTerm(); now <= term {
		t.Errorf("it leads in term %d, and the export was of %d", now, term)
	}
	propose(t, n, 50, 51)
	if got, _ := n.State().Read("x"); got != "50" {
		t.Errorf("x is %q after a write", got)
	}
	if after := n.State().Snapshot().Index(); after <= index {
		t.Errorf("the log goes on at %d, and the export ended with %d", after, index)
	}
}

func TestARecoveredNodeContinuesAlone(t *testing.T) {
	g := newGroup(t, 3)
	a, b, c := g.open("n1"), g.open("n2"), g.open("n3")
	propose(t, leaderOf(t, a, b, c), 0, 30)
	await(t, "n3 to have it all", func() bool { got, _ := c.State().Read("x"); return got == "29" })
	cfg := c.cfg
	closed(t, a, b, c)

	cfg.Voters = []string{"n3"}
	if err := Recover(cfg); err != nil {
		t.Fatal(err)
	}
	c = g.openWith("n3", func(c *Config) { c.Voters = cfg.Voters })
	defer closed(t, c)
	leaderOf(t, c) // the other two are down: it has no vote but its own
	if got, _ := c.State().Read("x"); got != "29" {
		t.Errorf("x is %q, want what it had: 29", got)
	}
	propose(t, c, 30, 31)
	if got, _ := c.State().Read("x"); got != "30" {
		t.Errorf("x is %q after a write", got)
	}
}

// The negative control: without a recovery one of three never leads.
func TestOneOfThreeDoesNotLeadWithoutARecovery(t *testing.T) {
	g := newGroup(t, 3)
	a, b, c := g.open("n1"), g.open("n2"), g.open("n3")
	propose(t, leaderOf(t, a, b, c), 0, 3)
	closed(t, a, b, c)
	c = g.openWith("n3", func(c *Config) { c.Voters = []string{"n3"} })
	defer closed(t, c)
	term := c.raft.CurrentTerm()
	await(t, "n3 to lose an election", func() bool { return c.raft.CurrentTerm() > term+1 || c.raft.State().String() == "Candidate" })
	if _, leads := c.Leads(); leads {
		t.Error("it leads without the others")
	}
}
