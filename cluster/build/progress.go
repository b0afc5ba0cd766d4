package build

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Progress is how far a call of the toolchain is that takes longer than progressInterval.
type Progress struct {
	Programs []string // what is built, by name: "linkd", "mcpd"
	Compiled int      // packages compiled so far; those that the toolchain has cached do not count
	// Total is of how many packages the programs consist, so at most that many
	// are compiled. 0 while it is not known.
	Total    int
	Download string // the module that was downloaded last, empty when none had to be
	Elapsed  time.Duration
}

// String is one line for a reader who waits.
func (p Progress) String() string {
	out := fmt.Sprintf("building %s: %d", strings.Join(p.Programs, ", "), p.Compiled)
	if p.Total > 0 {
		out += fmt.Sprintf(" of at most %d", p.Total)
	}
	out += " packages compiled"
	if p.Compiled == 0 && p.Download != "" {
		out += ", downloading " + p.Download
	}
	return out + fmt.Sprintf(", %v so far", p.Elapsed.Round(time.Second))
}

// progressInterval is how often a build reports.
const progressInterval = 2 * time.Second

type progressKey struct{}

// WithProgress returns a context whose builds report how far they are every
// two seconds for as long as they take. Builds that take less report nothing.
// Report is called from a goroutine of the build's and must not block.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// goBuild builds the packages into a folder and reports its progress.
func goBuild(ctx context.Context, dir, system, into string, pkgs []string) error {
	report, ok := ctx.Value(progressKey{}).(func(Progress))
	if !ok {
		report = func(Progress) {}
	}
	began := time.Now()
	m := new(packageCounter)
	for _, pkg := range pkgs {
		m.now.Programs = append(m.now.Programs, name(system, pkg))
	}
	built := make(chan struct{})
	var reporting sync.WaitGroup
	defer reporting.Wait()
	defer close(built)
	reporting.Go(func() {
		tick := time.NewTicker(progressInterval)
		defer tick.Stop()
		counting := false
		for {
			select {
			case <-built:
				return
			case <-tick.C:
			}
			if !counting { // not before, for most builds are done by now
				counting = true
				reporting.Go(func() { m.count(ctx, built, dir, system, pkgs) })
			}
			p := m.read()
			p.Elapsed = time.Since(began)
			report(p)
		}
	})
	args := append([]string{"build", "-v", "-trimpath", "-buildvcs=false", "-o", into + "/"}, pkgs...)
	_, err := goCmdIn(ctx, into, dir, system, m, args...)
	return err
}

// packageCounter counts the packages that `go build -v` names on standard error.
type packageCounter struct {
	mu   sync.Mutex
	now  Progress
	line []byte // the last one, as far as it was written
}

func (m *packageCounter) read() Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now
}

func (m *packageCounter) Write(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.line = append(m.line, p...)
	for {
		line, rest, ok := bytes.Cut(m.line, []byte("\n"))
		if !ok {
			return len(p), nil
		}
		if module, ok := strings.CutPrefix(string(line), "go: downloading "); ok {
			m.now.Download = module
		} else if isPackageName(string(line)) {
			m.now.Compiled++
		}
		m.line = rest
	}
}

// count finds out of how many packages the programs consist, unless the build
// ends first.
func (m *packageCounter) count(ctx context.Context, built <-chan struct{}, dir, system string, pkgs []string) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-built:
			cancel()
		case <-ended:
		}
	}()
	all, err := goCmd(ctx, dir, system, nil, append([]string{"list", "-deps"}, pkgs...)...)
	if err != nil {
		return // the build will report what is wrong
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now.Total = len(strings.Fields(all))
}

var packageName = regexp.MustCompile(`^[A-Za-z0-9_.~/-]+\n?$`)

// isPackageName says whether a line of `go build -v` is the path of a package.
// Errors and other messages hold spaces.
func isPackageName(line string) bool { return packageName.MatchString(line) }
