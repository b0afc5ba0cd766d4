// Package testnode is the smallest system that can be tested: nodes that say
// who they are, ask each other by name, and count in a file. It replicates
// nothing.
//
// A client sends lines and gets a line for each:
//
//	who          → NAME LIFE, where LIFE counts the node's starts
//	ask PEER     → what PEER answers to who
//	add          → the counter, one higher and on disk
//	get          → the counter
//	say TEXT     → ok, once TEXT is in the log
//	secret       → the secret it was given
//	spin TIME    → ok, and keeps a processor busy for so long from then on
//	grow N       → ok, and uses N MB more memory little by little, within some seconds, and then lets go of it
//	write TIME   → ok, and for so long writes a line to a file every 10 ms, syncs every fifth, and goes on when that fails
package testnode

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Port is where nodes listen.
const Port = 7400

// Config is how a node is started.
type Config struct {
	Name  string
	Host  string // to bind
	Data  string // folder
	Hosts string // hosts(5) file; empty means the system's
	Log   io.Writer
	// Secret is returned to whoever asks, so that a test can see that it arrived.
	Secret string
	// Gate is passed before each answer; nil means that it is open.
	Gate func(context.Context)
}

// Serve runs a node until ctx ends.
func Serve(ctx context.Context, c Config) error {
	life, err := bump(filepath.Join(c.Data, "lives"))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(c.Host, strconv.Itoa(Port)))
	if err != nil {
		return fmt.Errorf("%s: %w", c.Name, err)
	}
	n := &node{Config: c, life: life, conns: map[net.Conn]bool{}}
	fmt.Fprintf(c.Log, "%s lives for the %d. time\n", c.Name, life)
	defer fmt.Fprintf(c.Log, "%s ends\n", c.Name)
	stop := context.AfterFunc(ctx, func() {
		_ = ln.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		for conn := range n.conns {
			_ = conn.Close()
		}
	})
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := ln.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.Name, err)
		}
		n.mu.Lock()
		n.conns[conn] = true
		n.mu.Unlock()
		wg.Go(func() { n.talk(ctx, conn) })
	}
}

type node struct {
	Config
	life  int
	mu    sync.Mutex // also over the counter
	conns map[net.Conn]bool
}

func (n *node) talk(ctx context.Context, conn net.Conn) {
	defer func() {
		_ = conn.Close()
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.conns, conn)
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if n.Gate != nil {
			n.Gate(ctx)
		}
		said, err := n.answer(ctx, lines.Text())
		if err != nil {
			said = "error: " + err.Error()
		}
		if ctx.Err() != nil {
			return
		}
		if _, err := fmt.Fprintln(conn, said); err != nil {
			return
		}
	}
}

func (n *node) answer(ctx context.Context, line string) (string, error) {
	verb, arg, _ := strings.Cut(line, " ")
	switch verb {
	case "who":
		return fmt.Sprintf("%s %d", n.Name, n.life), nil
	case "ask":
		addr, err := n.lookup(arg)
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(addr, strconv.Itoa(Port)))
		if err != nil {
			return "", err
		}
		return Ask(ctx, conn, "who")
	case "secret":
		return n.Secret, nil
	case "add", "get":
		n.mu.Lock()
		defer n.mu.Unlock()
		file := filepath.Join(n.Data, "count")
		if verb == "add" {
			v, err := bump(file)
			return strconv.Itoa(v), err
		}
		b, err := os.ReadFile(file)
		return string(b), err
	case "say":
		_, err := fmt.Fprintln(n.Log, arg)
		return "ok", err
	case "spin":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return "", err
		}
		go spin(ctx, time.Now().Add(d))
		return "ok", nil
	case "grow":
		n, err := strconv.Atoi(arg)
		if err != nil {
			return "", err
		}
		go grow(ctx, n)
		return "ok", nil
	case "write":
		d, err := time.ParseDuration(arg)
		if err != nil {
			return "", err
		}
		go write(ctx, filepath.Join(n.Data, "lines"), time.Now().Add(d))
		return "ok", nil
	}
	return "", fmt.Errorf("no such command: %q", verb)
}

func spin(ctx context.Context, until time.Time) {
	for time.Now().Before(until) && ctx.Err() == nil {
	}
}

// grow takes a megabyte every 25 ms and lets go of all of them in the end.
func grow(ctx context.Context, n int) {
	const mega, page = 1 << 20, 4096
	var held [][]byte
	for range n {
		b := make([]byte, mega)
		for i := 0; i < mega; i += page { // memory that is not touched is not used
			b[i] = 1
		}
		held = append(held, b)
		select {
		case <-ctx.Done():
			return
		case <-time.After(25 * time.Millisecond):
		}
	}
	runtime.KeepAlive(held) // until here; now they may be collected
	debug.FreeOSMemory()
}

// write writes to a file until a time, whatever comes of it.
func write(ctx context.Context, name string, until time.Time) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return
	}
	defer f.Close()
	for i := 1; time.Now().Before(until) && ctx.Err() == nil; i++ {
		_, _ = fmt.Fprintln(f, i)
		if i%5 == 0 {
			_ = f.Sync()
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lookup finds a name in the hosts file, else leaves it to the system.
func (n *node) lookup(name string) (string, error) {
	if n.Hosts == "" {
		return name, nil
	}
	b, err := os.ReadFile(n.Hosts)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) == 2 && f[1] == name {
			return f[0], nil
		}
	}
	return name, nil
}

// bump adds one to the number in a file and returns it.
func bump(file string) (int, error) {
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, err
	}
	n, _ := strconv.Atoi(string(b)) // absent is zero
	n++
	return n, os.WriteFile(file, []byte(strconv.Itoa(n)), 0o644)
}

// Ask sends one line, reads one and closes the connection.
func Ask(ctx context.Context, conn net.Conn, line string) (string, error) {
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if _, err := fmt.Fprintln(conn, line); err != nil {
		return "", err
	}
	said, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", err
	}
	said = strings.TrimSuffix(said, "\n")
	if why, bad := strings.CutPrefix(said, "error: "); bad {
		return "", errors.New(why)
	}
	return said, nil
}
