package build_test

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster/build"
	"github.com/mcp-resilience/holdfast/topology"
)

// fakeToolchain is a `go` that writes its command line to $CALLS, names three
// packages as compiled when it builds, which takes 3 s, and knows of five.
const fakeToolchain = `#!/bin/sh
echo "$@" >> "$CALLS"
case "$1 $2" in
"list -m") echo "$SOURCE" ;;
"list -deps") printf 'a\nb/c\nd\ne\nf\n' ;;
"build -v")
	while [ "$1" != -o ]; do shift; done
	into=$2; shift 2
	echo "go: downloading example.com/x v1.2.3" >&2
	printf 'a\nb/c\n' >&2
	sleep 3
	echo d >&2
	for pkg; do echo '#!/bin/sh' > "$into$(basename "$pkg")"; chmod +x "$into$(basename "$pkg")"; done ;;
esac
`

func TestPrepareBuildsAllByOneCallAndReportsProgress(t *testing.T) {
	dir := t.TempDir()
	calls := filepath.Join(dir, "calls")
	if err := os.WriteFile(filepath.Join(dir, "go"), []byte(fakeToolchain), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("CALLS", calls)
	t.Setenv("SOURCE", dir)
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	t.Setenv(build.BinEnv, "")

	var mu sync.Mutex
	var reports []build.Progress
	ctx := build.WithProgress(t.Context(), func(p build.Progress) {
		mu.Lock()
		defer mu.Unlock()
		reports = append(reports, p)
	})
	// A system that no other test builds for, and that this machine is not.
	got, err := build.Builder("plan9").Prepare(ctx, []topology.Program{
		{Package: build.Module + "/cmd/fakenode"}, {Image: "an-image:1"}, {Package: build.Module + "/cmd/fakenode"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, bin := range []string{got.Watchdog, got.Linkd} {
		if _, err := os.Stat(bin); err != nil {
			t.Error(err)
		}
	}
	if filepath.Base(got.Watchdog) != "watchdog" || filepath.Base(got.Linkd) != "linkd" {
		t.Errorf("got %+v", got)
	}
	text, err := os.ReadFile(calls)
	if err != nil {
		t.Fatal(err)
	}
	var builds []string
	for line := range strings.Lines(string(text)) {
		if _, pkgs, ok := strings.Cut(line, "/ "+build.Module); ok && strings.HasPrefix(line, "build") {
			builds = append(builds, strings.TrimSpace(strings.ReplaceAll(build.Module+pkgs, build.Module+"/cmd/", "")))
		}
	}
	if len(builds) != 2 { // one for each system
		t.Errorf("calls of go build: %q, want one for this machine and one for the nodes'", builds)
	}
	if diff := cmp.Diff(map[string]bool{"watchdog": true, "fakenode linkd": true}, set(builds)); diff != "" {
		t.Errorf("built by one call each (-want +got):\n%s", diff)
	}
	mu.Lock()
	defer mu.Unlock()
	if len(reports) == 0 {
		t.Fatal("a build of 3 s reported nothing")
	}
	for _, p := range reports {
		if p.Compiled != 2 || p.Elapsed < time.Second || len(p.Programs) == 0 {
			t.Errorf("got %+v, want two packages compiled so far", p)
		}
	}
}

func set(all []string) map[string]bool {
	out := map[string]bool{}
	for _, s := range all {
		out[s] = true
	}
	return out
}

func TestProgressInWords(t *testing.T) {
	for want, p := range map[string]build.Progress{
		"building linkd, mcpd: 120 of at most 640 packages compiled, 34s so far": {Programs: []string{"linkd", "mcpd"}, Compiled: 120, Total: 640, Download: "x v1", Elapsed: 34 * time.Second},
		"building mcpd: 0 packages compiled, downloading x v1, 2s so far":        {Programs: []string{"mcpd"}, Download: "x v1", Elapsed: 2 * time.Second},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
