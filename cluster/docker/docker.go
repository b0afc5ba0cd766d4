// Package docker is the container runtime: each node is a pod of two
// containers on a bridge network of the run's own. It starts, signals and
// removes containers and their images. It builds no programs, and what travels
// over the links is decided in package links.
//
//	┌ pod east-1 ────────────────────────────────────────────┐
//	│ sandbox: linkd, owns the network namespace, /etc/hosts  │
//	│   127.0.0.1:p (host) ─► CONNECT ─► ingress ─► pod:7400  │
//	│   127.0.1.2:7400 ──────────────────────► pod of north-1 │
//	│ node: the system under test, joins container:<sandbox>  │
//	└─────────────────────────────────────────────────────────┘
//
// So the node may be killed, paused and started again while its address, its
// names and its published ports stay. This process reaches pods only through
// ports published on 127.0.0.1, never by their addresses, so that engines in a
// virtual machine (Docker Desktop) serve as well as local ones.
//
// The engine is found, and containers are made, by testcontainers-go, as its
// users expect; networks, signals, inspection and removal go to the Docker API,
// because testcontainers has no kill, pause or unpause. Two of its settings
// matter here. TESTCONTAINERS_RYUK_DISABLED is set to true unless the user has
// set it: Ryuk would have to be pulled and cannot undo pauses, and
// cluster/cleanup does its work. TESTCONTAINERS_HOST_OVERRIDE is not needed:
// we never ask testcontainers at which address ports are published.
package docker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster"
)

// Name is the runtime's name in scenarios, flags and records.
const Name = "docker"

// Driver is the container runtime.
func Driver() cluster.Driver {
	return cluster.Driver{
		Name:  Name,
		OS:    "linux", // inside the engine, whatever this machine is
		Check: Check,
		Open: func(ctx context.Context, s cluster.Spec) (cluster.Runtime, error) {
			r, err := Open(ctx, s)
			if err != nil {
				return nil, err // a nil *Runtime would be no nil Runtime
			}
			return r, nil
		},
	}
}

// checkTimeout is how long an engine may take to answer.
const checkTimeout = 3 * time.Second

// Check returns nil when a container engine answers within 3 s, else the
// reason. A DOCKER_HOST that is set is the only engine tried; otherwise the
// engine is looked for as testcontainers does (context, socket, rootless).
func Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	if host := os.Getenv("DOCKER_HOST"); host != "" {
		// testcontainers would use the default socket instead without a word.
		if err := ping(ctx, host); err != nil {
			return fmt.Errorf("no container engine answers at DOCKER_HOST=%s: %w", host, oneLine(ctx, err))
		}
	}
	e, err := connect(ctx)
	if err != nil {
		return fmt.Errorf("no container engine answers: %w", oneLine(ctx, err))
	}
	defer e.close()
	pong, err := e.api.Ping(ctx, client.PingOptions{})
	if err != nil {
		return fmt.Errorf("no container engine answers: %w", oneLine(ctx, err))
	}
	if pong.OSType != "" && pong.OSType != "linux" {
		return fmt.Errorf("the container engine runs %s containers, need linux", pong.OSType)
	}
	return nil
}

func ping(ctx context.Context, host string) error {
	api, err := client.New(client.FromEnv, client.WithHost(host))
	if err != nil {
		return err
	}
	defer api.Close()
	_, err = api.Ping(ctx, client.PingOptions{})
	return err
}

// oneLine puts a deadline and a joined list of attempts on one line.
func oneLine(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return fmt.Errorf("nothing heard in %v", checkTimeout)
	}
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}
