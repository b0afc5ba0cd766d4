package wire

import (
	"bufio"
	"net"
)

// Watched is a connection that can be watched while nobody uses it. Whether the server has closed it
// is then known before a request is sent in vain.
type Watched struct {
	net.Conn
	in *bufio.Reader
	// ready gets the result of waiting for the next byte. While nobody has asked anything, any
	// result means that the connection cannot be used: it is closed, or the server said something unasked.
	ready  chan error
	parked bool
}

// Watch makes a Watched of a connection of which nothing has been read.
func Watch(c net.Conn) *Watched {
	return &Watched{Conn: c, in: bufio.NewReader(c), ready: make(chan error, 1)}
}

// Park says that nobody uses the connection until its next read. It must not be called while it is parked.
func (c *Watched) Park() {
	c.parked = true
	go func() {
		_, err := c.in.Peek(1)
		c.ready <- err
	}()
}

// Usable reports whether the parked connection is open and silent.
func (c *Watched) Usable() bool { return len(c.ready) == 0 }

// await ends the parking: it waits for the next byte.
func (c *Watched) await() error {
	if !c.parked {
		return nil
	}
	c.parked = false
	return <-c.ready
}

// Read reads what the server has sent.
func (c *Watched) Read(b []byte) (int, error) {
	if err := c.await(); err != nil {
		return 0, err
	}
	return c.in.Read(b)
}
