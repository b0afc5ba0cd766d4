package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Streams lists the streams of the platform.
func Streams() []string { return []string{api.Feed} }

// natsAccount is the NATS account of all users: the library's default.
const natsAccount = "$G"

const (
	// deduplicationWindow is how long a message's id is remembered, so that a repeated
	// publish is stored once.
	deduplicationWindow = 2 * time.Minute
	// maxStreamBytes is the maximum size of a stream. The oldest messages are dropped first.
	maxStreamBytes = maxStoreBytes / 4
	// requestTimeout limits a request to the servers.
	requestTimeout = 2 * time.Second
)

// createStreams creates the streams that do not exist, with a replica on each server.
// storedSubject is the subject of the messages that a stream stores.
func createStreams(ctx context.Context, js jetstream.JetStream, replicas int, storedSubject func(stream string) string) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	for _, s := range Streams() {
		if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: s, Subjects: []string{storedSubject(s)}, Storage: jetstream.FileStorage, Replicas: replicas,
			Discard: jetstream.DiscardOld, MaxBytes: maxStreamBytes, Duplicates: deduplicationWindow, AllowDirect: true,
		}); err != nil {
			return fmt.Errorf("create stream %s: %w", s, err)
		}
	}
	return nil
}
