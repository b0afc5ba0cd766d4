package harness

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

// measureLinks measures every link once.
func measureLinks(ctx context.Context, c *cluster.Cluster, log *runLog, when string) record.Matrix {
	m := record.Matrix{When: when, At: log.now()}
	for _, s := range c.Links.Matrix(ctx) {
		sample := record.LinkSample{Link: s.Link, RTT: s.RTT}
		if s.Err != nil {
			sample.Error = s.Err.Error()
		}
		m.Links = append(m.Links, sample)
	}
	return m
}

// recordLinks measures every link for the record. A measurement that ctx cut
// short is of no use, and is left out.
func recordLinks(ctx context.Context, c *cluster.Cluster, log *runLog, when string) bool {
	inner, cancel := context.WithTimeout(ctx, activeTimeout)
	defer cancel()
	m := measureLinks(inner, c, log, when)
	if ctx.Err() != nil {
		return false
	}
	log.change(func(run *record.Run) { run.Matrices = append(run.Matrices, m) })
	log.keep(log.dir.Links(log.snapshot().Matrices))
	return true
}

// saveLogs keeps what each node wrote.
func saveLogs(ctx context.Context, c *cluster.Cluster, dir *record.Dir) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range c.Topology.Nodes {
		g.Go(func() error {
			if err := saveLog(ctx, c.Process(n.ID), n.ID, dir); err != nil {
				return fmt.Errorf("keep the log of %s: %w", n.ID, err)
			}
			return nil
		})
	}
	return g.Wait()
}

func saveLog(ctx context.Context, p cluster.Process, id topology.NodeID, dir *record.Dir) error {
	logs, err := p.Logs(ctx)
	if err != nil {
		return err
	}
	defer logs.Close()
	f, err := os.Create(dir.NodeLog(id))
	if err != nil {
		return err
	}
	_, err = io.Copy(f, logs)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
