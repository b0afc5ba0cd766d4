package journal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

const (
	// batchBytes is about how much a batch carries.
	batchBytes = 256 << 10
	// reconnect is the pause before a replica that cannot be reached is tried again.
	reconnect = 50 * time.Millisecond
	// lull is how often the disk is synced where nobody waits for it: on replicas,
	// and on an async primary, which ships only what its own disk has had for
	// that long. So a power cut does not leave it behind its replicas; and
	// what it wrote in the last one or two lulls is what dies with its region.
	lull = 125 * time.Millisecond
)

// shipTo keeps a replica supplied until the office ends or it is a member no more.
func (j *Journal) shipTo(o *office, peer string, far bool, client api.JournalsClient, member func() bool) {
	for o.ctx.Err() == nil && member() {
		err := j.shipOver(o, peer, far, client)
		if status.Code(err) == codes.FailedPrecondition { // it has promised a newer epoch
			j.mu.Lock()
			j.leave(o)
			j.mu.Unlock()
		}
		select {
		case <-time.After(reconnect):
		case <-o.ctx.Done():
		}
	}
}

// shipOver ships over one stream until it breaks.
func (j *Journal) shipOver(o *office, peer string, far bool, client api.JournalsClient) error {
	ctx, cancel := context.WithCancel(o.ctx)
	defer cancel()
	stream, err := client.Ship(ctx)
	if err != nil {
		return err
	}
	own, last := j.file.Chapters()
	if err := stream.Send(&api.Batch{Class: j.class, Epoch: o.epoch, Chapters: toChapters(own), Last: last}); err != nil {
		return errors.Join(err, reason(stream))
	}
	agreed, err := stream.Recv()
	if err != nil {
		return err
	}
	s := &ship{far: far}
	j.mu.Lock()
	o.ships[peer] = s
	j.mu.Unlock()
	j.received(o, s, agreed)
	ended := make(chan error, 1)
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				cancel()
				ended <- err
				return
			}
			j.received(o, s, r)
		}
	}()
	sent := j.sendAll(ctx, o, stream, agreed.Index+1)
	cancel()
	err = <-ended
	j.mu.Lock()
	if o.ships[peer] == s {
		delete(o.ships, peer)
	}
	j.mu.Unlock()
	if status.Code(err) == codes.FailedPrecondition {
		return err
	}
	return errors.Join(sent, err)
}

// reason is why a stream to which nothing more can be sent has ended.
func reason(stream api.Journals_ShipClient) error {
	_, err := stream.Recv()
	return err
}

// sendAll sends what there is from an index on, and marks, until ctx ends or the stream breaks.
func (j *Journal) sendAll(ctx context.Context, o *office, stream api.Journals_ShipClient, next uint64) error {
	marked := uint64(0)
	for {
		j.mu.Lock()
		until, mark, more := j.file.Last().Index, o.mark, j.grown.wait()
		if j.class == api.Class_ASYNC && !o.resting {
			until = o.ready
		}
		j.mu.Unlock()
		if next > until && mark == marked {
			select {
			case <-more:
				continue
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		b := &api.Batch{Class: j.class, Epoch: o.epoch, Mark: mark}
		if next <= until {
			rs, err := j.file.Read(next, batchBytes)
			if err != nil {
				return err
			}
			for _, r := range rs {
				if r.Index > until {
					break
				}
				b.Records = append(b.Records, &api.Record{Epoch: r.Epoch, Index: r.Index, Payload: r.Payload})
				next = r.Index + 1
			}
		}
		if err := stream.Send(b); err != nil {
			return err
		}
		marked = mark
	}
}

// keepSyncing puts on disk what is written, until ctx ends: at once where a
// semisync acknowledgement waits for it, every lull elsewhere.
func (j *Journal) keepSyncing(ctx context.Context) {
	for {
		j.mu.Lock()
		synced, more, o := j.file.Synced(), j.grown.wait(), j.office
		idle := synced == j.file.Last().Index && (o == nil || o.ready >= synced)
		urgent := o != nil && j.class == api.Class_SEMISYNC
		j.mu.Unlock()
		var pause <-chan time.Time
		switch {
		case idle: // pause until there is more
		case urgent:
			more = nil
			pause = closed
		default:
			more = nil
			pause = time.After(lull)
		}
		select {
		case <-more:
			continue
		case <-pause:
		case <-ctx.Done():
			return
		}
		if err := j.syncNow(synced); err != nil {
			j.tell(events.JournalDeposed, fmt.Sprintf("%s takes no part any more: %v", j.self, err), nil)
			return
		}
	}
}

// closed is a pause that is over.
var closed = func() chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// syncNow syncs; what was synced before, up to ready, may be shipped by an async
// primary. After an error nobody knows what the disk holds.
func (j *Journal) syncNow(ready uint64) error {
	synced, err := j.file.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	o := j.office
	switch {
	case o == nil:
	case err != nil:
		j.leave(o)
	default:
		o.ready = max(o.ready, min(ready, synced)) // less when a cut came between
		j.settle(o)
		if j.class == api.Class_ASYNC {
			j.grown.tell() // to those who ship
		}
	}
	return err
}

func toChapters(cs chapters) []*api.Chapter {
	out := make([]*api.Chapter, len(cs))
	for i, c := range cs {
		out[i] = &api.Chapter{Epoch: c.Epoch, First: c.First}
	}
	return out
}

func fromChapters(cs []*api.Chapter) chapters {
	out := make(chapters, len(cs))
	for i, c := range cs {
		out[i] = Chapter{c.Epoch, c.First}
	}
	return out
}
