// Package wire is a connection for protocols in which each request has one answer. It knows
// whether a request can have reached the server, and notices while nobody uses it that the server has closed it.
package wire

import (
	"bufio"
	"context"
	"net"
	"time"
)

// Conn is a connection on which one exchange happens at a time.
type Conn struct{ watched *Watched }

// New makes a Conn of a connection of which nothing has been read.
func New(c net.Conn) *Conn {
	w := Watch(c)
	w.Park()
	return &Conn{w}
}

// Usable reports whether the idle connection is open and silent.
func (c *Conn) Usable() bool { return c.watched.Usable() }

// Exchange sends a request and reads its answer with read, which must consume all of it. When sent is false no byte of
// the request was handed to the network. After an error the connection must be closed.
func (c *Conn) Exchange(ctx context.Context, request []byte, read func(*bufio.Reader) error) (sent bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	stop := Bound(ctx, c.watched)
	n, err := c.watched.Write(request)
	if err == nil {
		err = c.watched.await()
	}
	if err == nil {
		err = read(c.watched.in)
	}
	if !stop() && err == nil { // the deadline is being set: no further exchange can succeed
		c.watched.ready <- ctx.Err()
		return true, nil
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return n > 0, err
	}
	c.watched.Park()
	return true, nil
}

// Bound ends reads and writes on a connection when ctx ends, until stop is called. After stop has returned false the
// connection is of no more use.
func Bound(ctx context.Context, c net.Conn) (stop func() bool) {
	return context.AfterFunc(ctx, func() { _ = c.SetDeadline(time.Unix(1, 0)) })
}

// Close closes the connection.
func (c *Conn) Close() error { return c.watched.Close() }
