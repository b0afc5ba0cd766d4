package bus

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/mcp-resilience/holdfast/mcp/api"
)

// Streams lists the streams that the platform keeps.
func Streams() []string { return []string{api.Feed} }

// Users' accounts: there is one, the library's default.
const account = "$G"

const (
	// remembered is how long a message's id is known, so that a publish that
	// is tried again is kept once.
	remembered = 2 * time.Minute
	// keeps is how much of a stream is kept, in bytes; the oldest goes first.
	keeps = maxStore / 4
	// askLimit bounds a question to the servers.
	askLimit = 2 * time.Second
)

// create makes the streams that are not there, with a replica on each server;
// from says which subject each keeps.
func create(ctx context.Context, js jetstream.JetStream, replicas int, from func(stream string) string) error {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	for _, s := range Streams() {
		if _, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
			Name: s, Subjects: []string{from(s)}, Storage: jetstream.FileStorage, Replicas: replicas,
			Discard: jetstream.DiscardOld, MaxBytes: keeps, Duplicates: remembered, AllowDirect: true,
		}); err != nil {
			return fmt.Errorf("create stream %s: %w", s, err)
		}
	}
	return nil
}
