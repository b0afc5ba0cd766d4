package redis_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/protocoltest"
	"github.com/mcp-resilience/holdfast/targets/protocols/redis"
)

// answering is a server that says it is a primary, and answers every other command by the same bytes.
func answering(t *testing.T, with string) (protocols.System, func()) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				for in := bufio.NewScanner(c); in.Scan(); {
					answer := map[string]string{
						"PING": "+PONG\r\n", "ROLE": "*1\r\n$6\r\nmaster\r\n", "SET": with, "GET": with, "EVAL": with, "SADD": with, "SMEMBERS": with,
					}[in.Text()]
					if _, err := c.Write([]byte(answer)); err != nil {
						return
					}
				}
			}()
		}
	}()
	endpoints, dial := protocoltest.Nodes(l.Addr().String(), "east-1")
	return protocols.System{Endpoints: endpoints, Dial: dial}, func() {
		_ = l.Close()
		<-done
	}
}

// An answer that cannot be understood proves nothing, and must not pass for an empty value.
func TestAnswersThatAreNotUnderstood(t *testing.T) {
	for _, with := range []string{
		"HTTP/1.1 200 OK\r\n\r\n", "\r\n", "$5\r\n", "$-7\r\n", "$999999999\r\n", "*x\r\n", "*-2\r\n", "%1\r\n", "+\n", strings.Repeat("*1\r\n", 20),
		"-ERR upstream failure\r\n", "-WEIRD proxy error\r\n", "*1\r\n:x\n",
	} {
		t.Run(with, func(t *testing.T) {
			s, stop := answering(t, with+strings.Repeat("\r\n", 3))
			defer stop()
			for _, k := range []history.Kind{history.Write, history.Read, history.CAS, history.Add, history.SetRead} {
				c, err := protocol(t, redis.Settings{}).Client(t.Context(), s, 0)
				if err != nil {
					t.Fatal(err)
				}
				want := history.Unknown
				if k.Class() == history.Reads {
					want = history.Failed
				}
				ctx, cancel := context.WithTimeout(t.Context(), time.Second) // for one that is cut off
				defer cancel()
				if got := c.Do(ctx, history.Op{Kind: k, Key: "k", Value: "1"}); got.Outcome != want || got.Error == "" || got.Output != "" {
					t.Errorf("%s is %s %q (%s), want %s", k, got.Outcome, got.Output, got.Error, want)
				}
				_ = c.Close()
			}
		})
	}
}
