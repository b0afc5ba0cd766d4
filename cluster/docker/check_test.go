package docker_test

import (
	"net"
	"strings"
	"testing"

	"github.com/mcp-resilience/holdfast/cluster/docker"
)

func TestCheckSaysWhyThereIsNoEngine(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, c := range map[string]struct{ host, want string }{
		"nobody listens":   {"unix:///nonexistent/docker.sock", "/nonexistent/docker.sock"},
		"nobody answers":   {"tcp://" + silent.Addr().String(), "nothing heard in 3s"},
		"no such protocol": {"carrier-pigeon", "carrier-pigeon"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", c.host)
			err := docker.Check(t.Context())
			if err == nil || !strings.Contains(err.Error(), "DOCKER_HOST="+c.host) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error about DOCKER_HOST=%s with %q", err, c.host, c.want)
			}
		})
	}
}
