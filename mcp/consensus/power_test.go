package consensus

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// platter is the disk below a node's log. It holds of each file only what was synced. The
// process sees the files as it wrote them; the platter is a second folder, written at each
// sync.
type platter struct {
	types.VFS
	dir string // of what is synced

	mu    sync.Mutex
	syncs int
}

func (p *platter) Create(dir, name string, size uint64) (types.WritableFile, error) {
	f, err := p.VFS.Create(dir, name, size)
	if err != nil {
		return nil, err
	}
	return p.watch(f, name)
}

func (p *platter) OpenWriter(dir, name string) (types.WritableFile, error) {
	f, err := p.VFS.OpenWriter(dir, name)
	if err != nil {
		return nil, err
	}
	return p.watch(f, name)
}

func (p *platter) Delete(dir, name string) error {
	_ = os.Remove(filepath.Join(p.dir, name))
	return p.VFS.Delete(dir, name)
}

func (p *platter) watch(f types.WritableFile, name string) (types.WritableFile, error) {
	below, err := os.OpenFile(filepath.Join(p.dir, name), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	return &watched{WritableFile: f, platter: p, below: below}, nil
}

type watched struct {
	types.WritableFile
	platter *platter
	below   *os.File
	cache   []written // not synced yet
}

type written struct {
	at   int64
	what []byte
}

func (w *watched) WriteAt(b []byte, at int64) (int, error) {
	w.cache = append(w.cache, written{at, append([]byte(nil), b...)})
	return w.WritableFile.WriteAt(b, at)
}

func (w *watched) Sync() error {
	w.platter.mu.Lock()
	defer w.platter.mu.Unlock()
	for _, c := range w.cache {
		if _, err := w.below.WriteAt(c.what, c.at); err != nil {
			return err
		}
	}
	w.cache = nil
	w.platter.syncs++
	return nil // the real one would only cost time
}

func (w *watched) Close() error {
	_ = w.below.Close()
	return w.WritableFile.Close()
}

// after copies what a power cut at this moment would leave of a node: of the log what was
// synced; of other files all there is, because their code syncs each change before it goes
// on; and no sync watermark, which is never synced.
func (p *platter) after(t *testing.T, dir string) string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	out := t.TempDir()
	for from, to := range map[string]string{p.dir: "log", filepath.Join(dir, "log"): "log"} {
		all, err := os.ReadDir(from)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range all {
			if from != p.dir && (filepath.Ext(e.Name()) == ".wal" || e.Name() == "synced") {
				continue
			}
			b, err := os.ReadFile(filepath.Join(from, e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.MkdirAll(filepath.Join(out, to), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(out, to, e.Name()), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return out
}

// Every node loses power at the instant at which a write is acknowledged, again and again:
// what was acknowledged must be on the disks of a majority. With the defect it is not,
// which shows that the test can fail.
func TestAcknowledgedIsSynced(t *testing.T) {
	for _, lazy := range []bool{false, true} {
		t.Run(fmt.Sprintf("ack before sync %v", lazy), func(t *testing.T) {
			g := newGroup(t, 3)
			disks, nodes := map[string]*platter{}, map[string]*Node{}
			for name := range g.peers {
				disks[name] = &platter{VFS: walfs.New(), dir: t.TempDir()}
				nodes[name] = g.openWith(name, func(c *Config) { c.vfs, c.Defects.AckBeforeSync = disks[name], lazy })
			}
			lost := 0
			for round := range 10 {
				want := fmt.Sprint(round)
				await(t, "an acknowledgement", func() bool {
					_, err := leaderOf(t, nodes["n1"], nodes["n2"], nodes["n3"]).Propose(t.Context(), write(round))
					return err == nil
				})
				cut := &group{t: t, network: g.network, peers: g.peers, dirs: map[string]string{}}
				for name, d := range disks {
					cut.dirs[name] = d.after(t, g.dirs[name])
				}
				holders := 0
				for name := range g.peers {
					if cut.holds(name, want) {
						holders++
					}
				}
				if holders < 2 {
					lost++
				}
			}
			if lazy && lost == 0 {
				t.Error("a log that syncs later loses nothing: the test cannot tell")
			}
			if !lazy && lost > 0 {
				t.Errorf("%d times in 10 an acknowledged write was not on the disks of a majority", lost)
			}
			for name, d := range disks {
				if d.syncs == 0 {
					t.Errorf("%s has synced nothing", name)
				}
			}
			closed(t, nodes["n1"], nodes["n2"], nodes["n3"])
		})
	}
}

// holds reports whether the log on a node's disk has a write of that value.
func (g *group) holds(name, value string) bool {
	g.t.Helper()
	l, err := openLog(g.dirs[name], hclog.NewNullLogger(), nil)
	if err != nil {
		g.t.Fatal(err)
	}
	defer l.Close()
	first, _ := l.FirstIndex()
	last, _ := l.LastIndex()
	for i := first; i <= last && last > 0; i++ {
		var e raft.Log
		if err := l.GetLog(i, &e); err != nil {
			g.t.Fatal(err)
		}
		var c api.Command
		if e.Type == raft.LogCommand && proto.Unmarshal(e.Data, &c) == nil && c.GetWrite().GetValue() == value {
			return true
		}
	}
	return false
}
