package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// ThunderingHerd resets every connection of the clients of each region in which
// `on` chooses a node, to the nodes of `to` or to all nodes without it, and lets
// none be opened until the heal, when all of those clients connect again at once:
// a load balancer that is restarted, or a front of which the last connection
// tracking entry is gone. Every link between nodes stays.
type ThunderingHerd struct{}

func (t *ThunderingHerd) cut() cut {
	c := newCut(links.Reset, Both, false)
	c.clientsOnly = true
	return c
}

func (t *ThunderingHerd) scope() scope { return t.cut().scope }

// Prepare implements Fault.
func (t *ThunderingHerd) Prepare(v Victims) Injection {
	return &herdInjection{cutInjection: t.cut().newInjection(v, t.Describe(v))}
}

// Flows implements LinkFault.
func (t *ThunderingHerd) Flows(v Victims) []topology.Flow { return t.scope().flows(v) }

// Impact implements Fault.
func (t *ThunderingHerd) Impact(v Victims) topology.FaultImpact { return t.cut().impact(v) }

// Describe implements Fault.
func (t *ThunderingHerd) Describe(v Victims) string {
	return "reset all connections between " + t.scope().between(v)
}

type herdInjection struct {
	*cutInjection
	mu     sync.Mutex
	opened int   // connections of our own that were open before the injection
	intact error // which of them was not reset
}

// Inject implements Injection. It has a connection of its own open over every
// link, to see that connections which were open are reset.
func (h *herdInjection) Inject(ctx context.Context) error {
	open := h.connect(ctx)
	defer func() {
		for _, c := range open {
			_ = c.Close()
		}
	}()
	if err := h.cutInjection.Inject(ctx); err != nil {
		return err
	}
	errs := make([]error, len(open))
	var all sync.WaitGroup
	for i, c := range open {
		all.Go(func() { errs[i] = awaitReset(c) })
	}
	all.Wait()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.opened, h.intact = len(open), errors.Join(errs...)
	return nil
}

// connect opens a connection over every link and has a byte returned on it. Links
// on which that is impossible are cut already.
func (h *herdInjection) connect(ctx context.Context) []net.Conn {
	mesh := h.victims.Cluster.Links
	var mu sync.Mutex
	var out []net.Conn
	var all sync.WaitGroup
	for _, k := range h.links() {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, mesh.ExpectedRTT(k)+cutTimeout)
			defer cancel()
			c, err := mesh.Dial(ctx, k.From.Clients, net.JoinHostPort(string(k.To), links.EchoPort))
			if err != nil {
				return
			}
			if err := echoByte(ctx, c); err != nil {
				_ = c.Close()
				return
			}
			mu.Lock()
			defer mu.Unlock()
			out = append(out, c)
		})
	}
	all.Wait()
	return out
}

// echoByte sends a byte and waits for it.
func echoByte(ctx context.Context, c net.Conn) error {
	until, _ := ctx.Deadline()
	if err := c.SetDeadline(until); err != nil {
		return err
	}
	if _, err := c.Write([]byte{1}); err != nil {
		return err
	}
	_, err := io.ReadFull(c, make([]byte, 1))
	return err
}

// awaitReset returns nil when a connection on which nothing is awaited ends in an
// RST. A proxy by which an engine forwards a port passes that on as the end of the
// stream, so this counts too.
func awaitReset(c net.Conn) error {
	if err := c.SetDeadline(time.Now().Add(cutTimeout)); err != nil {
		return err
	}
	_, err := c.Read(make([]byte, 1))
	if errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) {
		return nil
	}
	return fmt.Errorf("an open connection was not reset: %w", err)
}

// Active implements Verifier: connections that were open have been reset, and so is
// every one that is opened.
func (h *herdInjection) Active(ctx context.Context) (string, error) {
	observed, err := h.cutInjection.Active(ctx)
	if err != nil {
		return "", err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.intact != nil:
		return "", h.intact
	case h.opened == 0:
		return "", errors.New("no connection could be opened before the injection, so none was reset")
	}
	return fmt.Sprintf("%d of %d links had a connection open, which was reset; %s", h.opened, len(h.links()), observed), nil
}
