package harness

import (
	"context"
	"fmt"
	"io"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/mcp-resilience/holdfast/record"
)

// sample measures every link for the record.
func (r *run) sample(ctx context.Context, when string) {
	ctx, cancel := context.WithTimeout(ctx, feltLimit)
	defer cancel()
	m := record.Matrix{When: when, At: r.now()}
	for _, s := range r.cluster.Links.Matrix(ctx) {
		sample := record.LinkSample{Link: s.Link, RTT: s.RTT}
		if s.Err != nil {
			sample.Error = s.Err.Error()
		}
		m.Links = append(m.Links, sample)
	}
	r.change(func(run *record.Run) {
		run.Matrices = append(run.Matrices, m)
		if err := r.dir.Links(run.Matrices); err != nil && r.saveErr == nil {
			r.saveErr = err
		}
	})
}

// saveLogs keeps what each node wrote.
func (r *run) saveLogs(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, n := range r.plan.Topology.Nodes {
		g.Go(func() (err error) {
			defer func() {
				if err != nil {
					err = fmt.Errorf("keep log of %s: %w", n.ID, err)
				}
			}()
			logs, err := r.cluster.Process(n.ID).Logs(ctx)
			if err != nil {
				return err
			}
			defer logs.Close()
			f, err := os.Create(r.dir.NodeLog(n.ID))
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = io.Copy(f, logs)
			return err
		})
	}
	return g.Wait()
}
