package api

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"google.golang.org/grpc"
)

// Pool holds connections to the APIs of nodes, one a node, opened when first used.
// Create it with NewPool.
type Pool struct {
	port int
	dial DialFunc
	who  Credentials

	mu    sync.Mutex
	conns map[string]*grpc.ClientConn
}

// NewPool makes a pool of connections to a port of nodes, opened as who.
func NewPool(port int, dial DialFunc, who Credentials) *Pool {
	return &Pool{port: port, dial: dial, who: who, conns: map[string]*grpc.ClientConn{}}
}

// To returns the connection to a node. It does not wait until the node answers.
func (p *Pool) To(name string) (*grpc.ClientConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conns[name]; c != nil {
		return c, nil
	}
	c, err := Connect(net.JoinHostPort(name, strconv.Itoa(p.port)), p.dial, p.who)
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
