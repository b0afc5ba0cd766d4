// Package peers is a node's connections to the other nodes' APIs, one a node,
// opened when first used.
package peers

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Pool holds the connections. Create it with New.
type Pool struct {
	port int
	dial api.DialFunc
	who  api.Credentials

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

// New makes a pool of connections to the API port of nodes, opened as who.
func New(port int, dial api.DialFunc, who api.Credentials) *Pool {
	return &Pool{port: port, dial: dial, who: who, conns: map[string]*grpc.ClientConn{}}
}

// To returns the connection to a node; it does not wait for it.
func (p *Pool) To(name string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	c, err := api.Connect(net.JoinHostPort(name, strconv.Itoa(p.port)), p.dial, p.who)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", name, err)
	}
	p.conns[name] = c
	return c, nil
}

// Close ends all connections.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.Close())
	}
	p.conns = map[string]*grpc.ClientConn{}
	return errors.Join(errs...)
}
