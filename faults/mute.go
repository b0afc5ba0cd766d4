package faults

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// listening is how long a node is listened to before it counts as mute.
const listening = 200 * time.Millisecond

// knock is sent to make a node speak. Nearly every server answers it or
// hangs up at it, whatever its protocol; a stopped one does neither. A server
// that waits for more is mute as well, so that silence alone proves nothing.
const knock = "GET / HTTP/1.0\r\n\r\n"

// mute returns nil when for a while no port of the node answers, as seen from
// the clients of its own region.
func mute(outer context.Context, v Victims, n topology.Node) error {
	ctx, cancel := context.WithTimeout(outer, listening)
	defer cancel()
	heard := make([]error, len(n.Ports))
	var wg sync.WaitGroup
	for i, p := range n.Ports {
		wg.Go(func() { heard[i] = listen(ctx, v, n, p) })
	}
	wg.Wait()
	for _, err := range heard {
		if err != nil {
			return err
		}
	}
	<-ctx.Done() // whoever hung up at once has been heard no shorter
	return outer.Err()
}

// listen knocks and returns an error that says what it heard. Only bytes count:
// a connection may be ended by anything between us and the node.
func listen(ctx context.Context, v Victims, n topology.Node, p topology.Port) error {
	c, err := v.Cluster.Links.Dial(ctx, n.Region, net.JoinHostPort(string(n.ID), strconv.Itoa(p.Number)))
	if err != nil {
		return nil
	}
	defer c.Close()
	until, _ := ctx.Deadline()
	_ = c.SetDeadline(until)
	if _, err := c.Write([]byte(knock)); err != nil {
		return nil
	}
	answer := make([]byte, 1)
	if got, _ := c.Read(answer); got > 0 {
		return fmt.Errorf("%s is not paused: its port %s answers", n.ID, p.Name)
	}
	return nil
}
