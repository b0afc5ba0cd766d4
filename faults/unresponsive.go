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

// unresponsiveTime is how long no port of a node may answer before the node
// counts as unresponsive. It may be short, for the runtime vouches for the pause.
const unresponsiveTime = 100 * time.Millisecond

// probeRequest is sent to make a node answer. Nearly every server answers it or
// hangs up, whatever its protocol; a paused one does neither. A server that
// waits for more input does not answer either, so silence alone proves nothing.
const probeRequest = "GET / HTTP/1.0\r\n\r\n"

// unresponsive returns nil when no port of the node answers for a while, as seen
// from the clients of its own region.
func unresponsive(outer context.Context, v Victims, n topology.Node) error {
	ctx, cancel := context.WithTimeout(outer, unresponsiveTime)
	defer cancel()
	answers := make([]error, len(n.Ports))
	var wg sync.WaitGroup
	for i, p := range n.Ports {
		wg.Go(func() { answers[i] = portAnswers(ctx, v, n, p) })
	}
	wg.Wait()
	for _, err := range answers {
		if err != nil {
			return err
		}
	}
	<-ctx.Done() // a port that hung up at once must not shorten the time
	return outer.Err()
}

// portAnswers sends the request to a port and returns an error when bytes come
// back. Only bytes count: anything between this process and the node may end a
// connection.
func portAnswers(ctx context.Context, v Victims, n topology.Node, p topology.Port) error {
	c, err := v.Cluster.Links.Dial(ctx, n.Region, net.JoinHostPort(string(n.ID), strconv.Itoa(p.Number)))
	if err != nil {
		return nil
	}
	defer c.Close()
	until, _ := ctx.Deadline()
	_ = c.SetDeadline(until)
	if _, err := c.Write([]byte(probeRequest)); err != nil {
		return nil
	}
	answer := make([]byte, 1)
	if got, _ := c.Read(answer); got > 0 {
		return fmt.Errorf("%s is not paused: its port %s answers", n.ID, p.Name)
	}
	return nil
}
