package consensus

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
)

// flipTail flips a bit in the last entry that a node has on disk.
func flipTail(t *testing.T, dir string) {
	t.Helper()
	change(t, segmentOf(t, dir), func(b []byte) []byte {
		b[len(bytes.TrimRight(b, "\x00"))-20] ^= 1 // before the commit frame of 8 bytes
		return b
	})
}

// A committed write is on two of three nodes when one of the two loses it from its disk and
// the other is down. The third node and the damaged one are a majority, and neither has
// the write: they must not elect a leader.
func TestNodesThatLostSyncedEntriesElectNobody(t *testing.T) {
	for _, c := range []struct {
		name    string
		trusted bool // the negative control: the guard is switched off
	}{{"guarded", false}, {"without the guard the write is lost", true}} {
		t.Run(c.name, func(t *testing.T) {
			g := newGroup(t, 3)
			n := map[string]*Node{}
			for name := range g.peers {
				n[name] = g.open(name)
			}
			leader := leaderOf(t, n["n1"], n["n2"], n["n3"])
			propose(t, leader, 0, 5)
			var others []string
			for _, name := range sorted(g.peers) {
				if name != leader.cfg.Name {
					others = append(others, name)
				}
			}
			damaged, absent := others[0], others[1]
			closed(t, n[absent])
			propose(t, leader, 5, 6) // committed by the leader and the node that will be damaged
			index := leader.raft.LastIndex()
			await(t, damaged+" to have it", func() bool { return n[damaged].raft.LastIndex() >= index })
			closed(t, n[damaged], leader)

			flipTail(t, g.dirs[damaged])
			n[damaged], n[absent] = g.open(damaged), g.open(absent)
			defer func() { closed(t, n[damaged], n[absent]) }()
			if n[damaged].transport.lostTail.target.Load() == nil {
				t.Fatal("it does not know what it lost")
			}
			if c.trusted {
				n[damaged].transport.lostTail.target.Store(nil)
				leaderOf(t, n[damaged], n[absent])
				if got, _ := leaderOf(t, n[damaged], n[absent]).State().Read("x"); got == "5" {
					t.Error("the write is there: nothing was damaged")
				}
				return
			}
			for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
				for _, name := range others {
					if _, leads := n[name].Leads(); leads {
						t.Fatalf("%s leads", name)
					}
				}
			}
			// With the third node there is a majority that is missing nothing.
			back := g.open(leader.cfg.Name)
			defer closed(t, back)
			now := leaderOf(t, back, n[absent], n[damaged])
			propose(t, now, 6, 7)
			await(t, damaged+" to miss nothing any more", func() bool { return n[damaged].transport.missingTail() == nil })
			for _, node := range []*Node{back, n[absent], n[damaged]} {
				await(t, node.cfg.Name+" to have all", func() bool { v, _ := node.State().Read("x"); return v == "6" })
			}
		})
	}
}

// Two of three nodes lose their tails and the third has everything: they elect it.
func TestNodesThatLostTheirTailElectTheCompleteOne(t *testing.T) {
	g := newGroup(t, 3)
	n := map[string]*Node{}
	for name := range g.peers {
		n[name] = g.open(name)
	}
	propose(t, leaderOf(t, n["n1"], n["n2"], n["n3"]), 0, 5)
	await(t, "all to have all", func() bool {
		return n["n1"].raft.LastIndex() == n["n2"].raft.LastIndex() && n["n2"].raft.LastIndex() == n["n3"].raft.LastIndex()
	})
	closed(t, n["n1"], n["n2"], n["n3"])
	flipTail(t, g.dirs["n1"])
	flipTail(t, g.dirs["n2"])
	for name := range g.peers {
		n[name] = g.open(name)
	}
	defer closed(t, n["n1"], n["n2"], n["n3"])
	if n["n1"].transport.lostTail.target.Load() == nil || n["n2"].transport.lostTail.target.Load() == nil {
		t.Fatal("they do not know what they lost")
	}
	if got := leaderOf(t, n["n1"], n["n2"], n["n3"]).cfg.Name; got != "n3" {
		t.Errorf("%s leads, want n3", got)
	}
	propose(t, n["n3"], 5, 6)
	for _, node := range n {
		await(t, node.cfg.Name+" to have all", func() bool { v, _ := node.State().Read("x"); return v == "5" && node.transport.missingTail() == nil })
	}
}

// A node that votes alone and has lost what it acknowledged does not start: it would elect
// itself and make the learners delete those entries. A learner with a lost tail does
// start, and so does a node whose log counts as complete since a takeover.
func TestALoneVoterThatLostItsTailDoesNotStart(t *testing.T) {
	g := newGroup(t, 2)
	alone := func(c *Config) { c.Voters = []string{"n1"} }
	n1, n2 := g.openWith("n1", alone), g.openWith("n2", alone)
	for _, from := range []int{0, 5} {
		propose(t, leaderOf(t, n1), from, from+5)
		await(t, "n2 to have all", func() bool { v, _ := n2.State().Read("x"); return v == fmt.Sprint(from+4) })
		if from == 0 {
			if err := n2.raft.Snapshot().Error(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cfg, successor := n1.cfg, n2.cfg
	closed(t, n1, n2)
	flipTail(t, g.dirs["n1"])
	change(t, segmentOf(t, g.dirs["n2"]), func([]byte) []byte { return nil })
	n1, err := Open(cfg)
	if err == nil {
		closed(t, n1)
	}
	if err == nil || !strings.Contains(err.Error(), "alone votes") {
		t.Errorf("it starts: %v", err)
	}
	closed(t, g.openWith("n2", alone)) // a learner waits for a leader

	successor.Voters = []string{"n2"}
	if err := Recover(successor); err != nil {
		t.Fatal(err)
	}
	n2, err = Open(successor)
	if err != nil {
		t.Fatal(err)
	}
	defer closed(t, n2)
	propose(t, leaderOf(t, n2), 10, 11)
}

// A node that is being sent its lost entries is guarded until it has all of them, however
// often it restarts in between.
func TestTheGuardOutlastsARestartDuringRepair(t *testing.T) {
	dir := storeLog(t)
	change(t, segmentOf(t, dir), func(b []byte) []byte { return b[:where(b, 20)+5] })
	repair := func(from, to uint64) {
		t.Helper()
		l, err := openLog(dir, hclog.NewNullLogger(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := from; i <= to; i++ {
			if err := l.StoreLog(entry(i)); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	repair(20, 30)
	if got := openAgain(t, dir); got.err != nil || got.last != 30 || got.lost != stored {
		t.Errorf("%+v, want a log up to 30 and a loss up to %d", got, stored)
	}
	repair(31, stored)
	if got := openAgain(t, dir); got.err != nil || got.last != stored || got.lost != 0 {
		t.Errorf("%+v, want all %d entries and nothing lost", got, stored)
	}
}

// A node whose newest snapshot is damaged does not start.
func TestADamagedSnapshotIsRefused(t *testing.T) {
	for _, file := range []string{"state.bin", "meta.json"} {
		t.Run(file, func(t *testing.T) {
			g := newGroup(t, 1)
			n := g.open("n1")
			leaderOf(t, n)
			for i := range 3 { // the log is cut behind the snapshot before the last
				propose(t, n, 30*i, 30*i+30)
				if err := n.raft.Snapshot().Error(); err != nil {
					t.Fatal(err)
				}
			}
			cfg := n.cfg
			closed(t, n)
			all, err := filepath.Glob(filepath.Join(g.dirs["n1"], "snapshots", "*", file))
			if err != nil || len(all) == 0 {
				t.Fatalf("snapshots: %q, %v", all, err)
			}
			for _, f := range all {
				change(t, f, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
			}
			n, err = Open(cfg)
			if err == nil {
				closed(t, n)
			}
			if err == nil || !strings.Contains(err.Error(), "Admin.Replace") {
				t.Errorf("it starts: %v", err)
			}
			for _, f := range all { // the control: whole again, it starts again
				change(t, f, func(b []byte) []byte { b[len(b)/2] ^= 1; return b })
			}
			n = g.open("n1")
			leaderOf(t, n)
			if got, _ := n.State().Read("x"); got != "89" {
				t.Errorf("x is %q, want 89", got)
			}
			closed(t, n)
		})
	}
}

// A log that lost more than its snapshot holds is emptied, so that the next entries can be
// appended.
func TestALogShorterThanItsSnapshotGoesOn(t *testing.T) {
	g := newGroup(t, 1)
	n := g.open("n1")
	leaderOf(t, n)
	propose(t, n, 0, 30)
	if err := n.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	closed(t, n)
	change(t, segmentOf(t, g.dirs["n1"]), func(b []byte) []byte { return b[:len(bytes.TrimRight(b, "\x00"))/2] })
	// A watermark that reaches no further than the snapshot reports no loss.
	if err := os.Remove(filepath.Join(g.dirs["n1"], "log", "synced")); err != nil {
		t.Fatal(err)
	}
	n = g.open("n1")
	defer closed(t, n)
	leaderOf(t, n)
	propose(t, n, 30, 31)
	if got, _ := n.State().Read("x"); got != "30" {
		t.Errorf("x is %q, want 30", got)
	}
}
