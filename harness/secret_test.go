package harness_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/clustertest"
	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/harness/harnesstest"
)

// Every node is given the run's secret, the next run has another, and no file
// of a run's record holds it.
func TestTheSecretOfARunIsNowhereInItsRecord(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	secrets := map[string]int{} // how many nodes were given each
	serve := func(ctx context.Context, l clustertest.Incarnation) error {
		mu.Lock()
		secrets[l.Vars.Secret]++
		mu.Unlock()
		return clustertest.Testnode(ctx, l)
	}
	root := t.TempDir()
	for range 2 {
		s := harnesstest.NewStore()
		p := harnesstest.Plan(s, harnesstest.Outage{Store: s}, 100*time.Millisecond)
		if _, _, err := harness.Run(t.Context(), p, harness.Options{Target: s, Runtime: clustertest.Fake(serve), Root: root}); err != nil {
			t.Fatal(err)
		}
	}
	if len(secrets) != 2 {
		t.Fatalf("secrets of two runs: %d, want 2", len(secrets))
	}
	read, templates := 0, 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		read++
		templates += strings.Count(string(b), "{{.Secret}}")
		for secret, nodes := range secrets {
			if len(secret) < 20 || nodes != 3 {
				t.Errorf("%d nodes were given a secret of %d characters, want 3 and 20 or more", nodes, len(secret))
			}
			if strings.Contains(string(b), secret) {
				t.Errorf("%s holds the secret", path)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if read < 10 || templates == 0 {
		t.Errorf("%d files read, %d places where the secret would stand: the test saw too little", read, templates)
	}
}
