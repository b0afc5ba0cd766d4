package primarybackup

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
	// maxBatchBytes is the approximate size of a batch.
	maxBatchBytes = 256 << 10
	// reconnectDelay is the pause before a replica is connected to again.
	reconnectDelay = 50 * time.Millisecond
	// syncInterval is how often the disk is synced where no acknowledgement waits for
	// it: on replicas, and on an async primary. An async primary ships only what has
	// been on its own disk for one interval, so that a power cut never leaves it
	// behind its replicas. When its region is lost, it loses what it wrote in the last
	// one or two intervals.
	syncInterval = 125 * time.Millisecond
)

// replicateTo ships to a replica until the term ends or the replica is no longer a member.
func (j *Journal) replicateTo(term *primaryTerm, peer string, otherRegion bool, client api.JournalsClient, member func() bool) {
	for term.ctx.Err() == nil && member() {
		err := j.replicateOnce(term, peer, otherRegion, client)
		if status.Code(err) == codes.FailedPrecondition { // the replica has promised a newer epoch
			j.mu.Lock()
			j.endTerm(term)
			j.mu.Unlock()
		}
		select {
		case <-time.After(reconnectDelay):
		case <-term.ctx.Done():
		}
	}
}

// replicateOnce ships over one stream until the stream breaks.
func (j *Journal) replicateOnce(term *primaryTerm, peer string, otherRegion bool, client api.JournalsClient) error {
	ctx, cancel := context.WithCancel(term.ctx)
	defer cancel()
	stream, err := client.Replicate(ctx)
	if err != nil {
		return err
	}
	own, last := j.file.EpochStarts()
	if err := stream.Send(&api.Batch{Class: j.class, Epoch: term.epoch, EpochStarts: epochStartsToAPI(own), Last: last}); err != nil {
		return errors.Join(err, streamError(stream))
	}
	matched, err := stream.Recv()
	if err != nil {
		return err
	}
	replica := &replicaProgress{otherRegion: otherRegion}
	j.mu.Lock()
	term.replicas[peer] = replica
	j.mu.Unlock()
	j.onReceipt(term, replica, matched)
	received := make(chan error, 1)
	go func() {
		for {
			r, err := stream.Recv()
			if err != nil {
				cancel()
				received <- err
				return
			}
			j.onReceipt(term, replica, r)
		}
	}()
	sent := j.send(ctx, term, stream, matched.Index+1)
	cancel()
	err = <-received
	j.mu.Lock()
	if term.replicas[peer] == replica {
		delete(term.replicas, peer)
	}
	j.mu.Unlock()
	if status.Code(err) == codes.FailedPrecondition {
		return err
	}
	return errors.Join(sent, err)
}

// streamError returns why a stream on which Send failed has ended: gRPC reports it to Recv.
func streamError(stream api.Journals_ReplicateClient) error {
	_, err := stream.Recv()
	return err
}

// send ships the records from an index on, and marks, until ctx ends or the stream breaks.
func (j *Journal) send(ctx context.Context, term *primaryTerm, stream api.Journals_ReplicateClient, next uint64) error {
	marked := uint64(0)
	for {
		j.mu.Lock()
		until, mark, more := j.file.Last().Index, term.mark, j.changed.Next()
		if j.class == api.Class_ASYNC && !term.quiescing {
			until = term.shippable
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
		b := &api.Batch{Class: j.class, Epoch: term.epoch, Mark: mark}
		if next <= until {
			rs, err := j.file.Read(next, maxBatchBytes)
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

// syncLoop syncs the file until ctx ends: at once where a semisync acknowledgement
// waits for it, every syncInterval elsewhere.
func (j *Journal) syncLoop(ctx context.Context) {
	for {
		j.mu.Lock()
		synced, more, term := j.file.Synced(), j.changed.Next(), j.term
		idle := synced == j.file.Last().Index && (term == nil || term.shippable >= synced)
		urgent := term != nil && j.class == api.Class_SEMISYNC
		j.mu.Unlock()
		var pause <-chan time.Time
		switch {
		case idle: // wait for a change
		case urgent:
			more = nil
			pause = immediately
		default:
			more = nil
			pause = time.After(syncInterval)
		}
		select {
		case <-more:
			continue
		case <-pause:
		case <-ctx.Done():
			return
		}
		if err := j.sync(synced); err != nil {
			j.emitEvent(events.JournalDeposed, fmt.Sprintf("%s stops replicating this journal, because its disk failed: %v", j.self, err), nil)
			return
		}
	}
}

// immediately is a timer's channel that has fired.
var immediately = func() chan time.Time {
	c := make(chan time.Time)
	close(c)
	return c
}()

// sync syncs the file. After it an async primary may ship what was on disk before,
// up to the index shippable. After an error the content of the disk is unknown, so
// the term ends.
func (j *Journal) sync(shippable uint64) error {
	synced, err := j.file.Sync()
	j.mu.Lock()
	defer j.mu.Unlock()
	term := j.term
	switch {
	case term == nil:
	case err != nil:
		j.endTerm(term)
	default:
		term.shippable = max(term.shippable, min(shippable, synced)) // synced is less if the file was truncated meanwhile
		j.advanceCommit(term)
		if j.class == api.Class_ASYNC {
			j.changed.Broadcast() // wakes the senders
		}
	}
	return err
}

func epochStartsToAPI(starts epochStarts) []*api.EpochStart {
	out := make([]*api.EpochStart, len(starts))
	for i, s := range starts {
		out[i] = &api.EpochStart{Epoch: s.Epoch, First: s.First}
	}
	return out
}

func epochStartsFromAPI(starts []*api.EpochStart) epochStarts {
	out := make(epochStarts, len(starts))
	for i, c := range starts {
		out[i] = EpochStart{c.Epoch, c.First}
	}
	return out
}
