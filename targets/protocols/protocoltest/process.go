package protocoltest

import (
	"bytes"
	"math/rand/v2"
	"net"
	"os"
	osexec "os/exec"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Start starts a server for a test, as a process that is killed at the test's end. It skips the test where the program is not
// installed, unless required says that it must be. The process is returned, so that a test can stop it.
func Start(t testing.TB, required bool, program string, args ...string) *osexec.Cmd {
	t.Helper()
	path, err := osexec.LookPath(program)
	if err != nil {
		if required {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	cmd := osexec.Command(path, args...)
	var said output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s:\n%s", program, said.String())
		}
	})
	return cmd
}

// Required says whether a server that .ci/run installs must be there.
func Required() bool { return os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1" }

// FreePort returns a port of 127.0.0.1 that nobody listens on now. It is below those that the kernel gives to
// outgoing connections, or another test would take it before the server that it is for.
func FreePort(t testing.TB) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(12_000))
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Await waits until f succeeds.
func Await(t testing.TB, what string, f func() error) {
	t.Helper()
	var err error
	for end := time.Now().Add(caseTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if err = f(); err == nil {
			return
		}
	}
	t.Fatalf("%s: %v", what, err)
}

// output keeps what a server says.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}
