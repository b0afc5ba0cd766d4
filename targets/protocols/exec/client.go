package exec

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/targets/protocols"
)

// restartInterval is the shortest time between two starts of a client's program.
const restartInterval = time.Second

// client is one simulated user, which is a program.
type client struct {
	settings   Settings
	env        []string
	forwarders []*forwarder

	mu      sync.Mutex
	program *program // that runs, or the last one that did
	started time.Time
	closed  bool
}

// start makes the forwarders and starts the program, so that a command that is wrong is an error at once.
func start(settings Settings, s protocols.System, endpoints []protocols.Endpoint, mode string, id int) (*client, error) {
	c := &client{settings: settings}
	if c.settings.HangTimeout == 0 {
		c.settings.HangTimeout = defaultHangTimeout
	}
	for _, e := range endpoints {
		f, err := newForwarder(s, e)
		if err != nil {
			c.closeForwarders()
			return nil, fmt.Errorf("forward to %s for %s: %w", e.Node, settings.Command[0], err)
		}
		c.forwarders = append(c.forwarders, f)
	}
	var err error
	if c.env, err = c.environment(s.Secret, mode, id); err == nil {
		_, err = c.running()
	}
	if err != nil {
		c.closeForwarders()
		return nil, err
	}
	return c, nil
}

// environment tells the program which nodes there are and how it reaches them.
func (c *client) environment(secret, mode string, id int) ([]string, error) {
	type endpoint struct {
		Node    string `json:"node"`
		Region  string `json:"region"`
		Name    string `json:"name"`    // logical host and port
		Address string `json:"address"` // to be dialled
	}
	endpoints := []endpoint{}
	var nodes, addresses []string
	for _, f := range c.forwarders {
		endpoints = append(endpoints, endpoint{string(f.to.Node), string(f.to.Region), f.to.Address, f.address()})
		nodes, addresses = append(nodes, string(f.to.Node)), append(addresses, f.address())
	}
	encoded, err := json.Marshal(endpoints)
	if err != nil {
		return nil, err
	}
	env := append(os.Environ(),
		"HOLDFAST_MODE="+mode, "HOLDFAST_CLIENT="+strconv.Itoa(id), "HOLDFAST_SECRET="+secret, "HOLDFAST_ENDPOINTS="+string(encoded),
		"HOLDFAST_NODES="+strings.Join(nodes, " "), "HOLDFAST_ADDRESSES="+strings.Join(addresses, " "))
	for name, value := range c.settings.Env {
		v, err := protocols.WithSecret(value, secret)
		if err != nil {
			return nil, fmt.Errorf("environment variable %s: %w", name, err)
		}
		env = append(env, name+"="+v)
	}
	return env, nil
}

// Do hands an operation to the program and waits for its answer.
func (c *client) Do(ctx context.Context, op history.Op) history.Op {
	if !slices.Contains(c.settings.Operations, op.Kind) {
		return protocols.Unsupported(op, Name)
	}
	return c.exchange(ctx, op)
}

func (c *client) exchange(ctx context.Context, op history.Op) history.Op {
	p, err := c.running()
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return protocols.NotSent(op, err)
	}
	return p.exchange(ctx, op)
}

// running returns the program, which it starts again if it has ended.
func (c *client) running() (*program, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, errors.New("the client is closed")
	}
	if c.program != nil {
		ended := c.program.ended()
		if ended == nil {
			return c.program, nil
		}
		if time.Since(c.started) < restartInterval {
			return nil, fmt.Errorf("the client program is not running yet again: %w", ended)
		}
		c.program.stop()
	}
	c.started = time.Now()
	p, err := startProgram(c.settings, c.env)
	if err != nil {
		return nil, fmt.Errorf("start the client program %s: %w", c.settings.Command[0], err)
	}
	c.program = p
	return p, nil
}

// Close ends the program and the forwarders.
func (c *client) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	if c.program != nil {
		c.program.stop()
	}
	c.closeForwarders()
	return nil
}

func (c *client) closeForwarders() {
	for _, f := range c.forwarders {
		f.close()
	}
}
