package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/mcp-resilience/holdfast/cluster/build"
)

func TestMain(m *testing.M) {
	_ = os.Setenv(waitEnv, "0") // tests run beside each other
	testscript.Main(m, map[string]func(){"holdfast": main})
}

// TestScripts runs what a user could have typed. Runs in them are real: mcpd on
// the local runtime, from binaries that are built here once.
func TestScripts(t *testing.T) {
	bin := t.TempDir()
	buildCommand(t, bin, build.Module+"/cmd/linkd", build.Module+"/cmd/mcpd", build.Module+"/cmd/watchdog")
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(e *testscript.Env) error {
			e.Setenv(build.BinEnv, bin)
			e.Setenv("NO_COLOR", "1")
			e.Setenv(waitEnv, "0")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":   exits,
			"json":    jsonIs,
			"replace": replace,
			"waitfor": waitFor,
		},
		Condition: func(name string) (bool, error) {
			if name == "nightly" {
				return os.Getenv("HOLDFAST_NIGHTLY") == "1", nil
			}
			return false, fmt.Errorf("unknown condition %q", name)
		},
		RequireExplicitExec: true,
		UpdateScripts:       slices.Contains(os.Args, "-update"),
	})
}

func buildCommand(t *testing.T, into string, packages ...string) {
	t.Helper()
	args := append([]string{"build", "-trimpath", "-o", into + string(filepath.Separator)}, packages...)
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// exits STATUS PROGRAM ARGS… runs the program and wants that exit status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("%s exited with %d, want %d", strings.Join(args[1:], " "), got, want)
	}
}

// json PATH VALUE wants the last standard output to be JSON whose field at the
// dotted path prints as the value; without a value the field must be there.
func jsonIs(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: json PATH [VALUE]")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("standard output is not one JSON value: %v", err)
	}
	for _, key := range strings.FieldsFunc(args[0], func(r rune) bool { return r == '.' }) {
		switch in := v.(type) {
		case map[string]any:
			got, ok := in[key]
			if !ok {
				ts.Fatalf("there is no %s on the way to %s", key, args[0])
			}
			v = got
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i < 0 || i >= len(in) {
				ts.Fatalf("%s is not one of %d places on the way to %s", key, len(in), args[0])
			}
			v = in[i]
		default:
			ts.Fatalf("%v has no field %s", v, key)
		}
	}
	if len(args) == 2 && (fmt.Sprint(v) == args[1]) == neg {
		ts.Fatalf("%s is %v, want %v (negated: %v)", args[0], v, args[1], neg)
	}
}

// replace OLD NEW FILES changes every OLD in the files that the pattern matches;
// each must have one.
func replace(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: replace OLD NEW FILES")
	}
	files, err := filepath.Glob(ts.MkAbs(args[2]))
	ts.Check(err)
	if len(files) == 0 {
		ts.Fatalf("%s matches no file", args[2])
	}
	for _, f := range files {
		text := ts.ReadFile(f)
		if !strings.Contains(text, args[0]) {
			ts.Fatalf("%s does not have %q", f, args[0])
		}
		ts.Check(os.WriteFile(f, []byte(strings.ReplaceAll(text, args[0], args[1])), 0o644))
	}
}

// waitFor PATTERN waits until a file matches the pattern.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfor PATTERN")
	}
	const timeout = time.Minute
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		files, err := filepath.Glob(ts.MkAbs(args[0]))
		ts.Check(err)
		if len(files) > 0 {
			return
		}
	}
	ts.Fatalf("no file matched %s within %v", args[0], timeout)
}
