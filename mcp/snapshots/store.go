// Package snapshots keeps copies of the platform's whole state in an object
// store (a directory, or S3). A region or the whole platform can be restored
// from them when its disks are gone. Restoring loses what was acknowledged
// after the snapshot was taken.
package snapshots

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// Retention is how many snapshots the store keeps; Save removes older ones.
const Retention = 5

// folder is the prefix of all keys.
const folder = "snapshots/"

// Info describes a snapshot.
type Info struct {
	Generation uint64    `json:"generation"` // of the cluster, see mcp/standby
	Index      uint64    `json:"index"`      // of the last log entry that the state contains
	Term       uint64    `json:"term"`       // of that entry
	Taken      time.Time `json:"taken"`
	By         string    `json:"by"`   // the node that took it
	Size       int       `json:"size"` // of the state, in bytes
	SHA256     string    `json:"sha256"`
}

// Key is the snapshot's name in the store. Keys sort from the oldest to the newest.
func (i Info) Key() string { return fmt.Sprintf("%s%08d-%020d", folder, i.Generation, i.Index) }

// bucket holds whole objects under slash-separated keys. Writing replaces an
// object atomically: a reader gets the old content or the new.
type bucket interface {
	write(ctx context.Context, key string, content []byte) error
	read(ctx context.Context, key string) ([]byte, error)
	remove(ctx context.Context, key string) error
	// list returns the keys that begin with a prefix, in any order.
	list(ctx context.Context, prefix string) ([]string, error)
	close()
}

// Store is an object store that holds snapshots. Close it after use.
type Store struct{ bucket bucket }

// Open opens the store at a URL: file:///a/folder, which is made if it does not
// exist, or s3://bucket?region=eu-central-1 (openS3 lists the parameters).
func Open(_ context.Context, at string) (*Store, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	var b bucket
	switch u.Scheme {
	case "file":
		b, err = openDirectory(u)
	case "s3":
		b, err = openS3(u)
	default:
		err = fmt.Errorf("the scheme is %q, want file or s3", u.Scheme)
	}
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", at, err)
	}
	return &Store{b}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error {
	s.bucket.close()
	return nil
}

// Save stores a snapshot and removes the oldest ones beyond Retention. It
// returns the description that was stored with it.
func (s *Store) Save(ctx context.Context, i Info, state []byte) (Info, error) {
	sum := sha256.Sum256(state)
	i.Size, i.SHA256 = len(state), hex.EncodeToString(sum[:])
	header, err := json.Marshal(i)
	if err != nil {
		return i, fmt.Errorf("save snapshot: %w", err)
	}
	object := slices.Concat(header, []byte{'\n'}, state)
	if err := s.bucket.write(ctx, i.Key(), object); err != nil {
		return i, fmt.Errorf("save snapshot %s: %w", i.Key(), err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return i, err
	}
	for _, old := range keys[:max(0, len(keys)-Retention)] {
		if err := s.bucket.remove(ctx, old); err != nil {
			return i, fmt.Errorf("remove snapshot %s: %w", old, err)
		}
	}
	return i, nil
}

// ErrNoSnapshot is returned when the store holds no snapshot that can be read.
var ErrNoSnapshot = errors.New("no snapshot in the object store")

// Latest returns the newest undamaged snapshot. skipped has an error for each
// newer one that is damaged.
func (s *Store) Latest(ctx context.Context) (i Info, state []byte, skipped []error, err error) {
	keys, err := s.keys(ctx)
	if err != nil {
		return i, nil, nil, err
	}
	for _, key := range slices.Backward(keys) {
		i, state, err := s.read(ctx, key)
		if err == nil {
			return i, state, skipped, nil
		}
		skipped = append(skipped, err)
	}
	return i, nil, skipped, errors.Join(append([]error{ErrNoSnapshot}, skipped...)...)
}

func (s *Store) read(ctx context.Context, key string) (i Info, state []byte, err error) {
	object, err := s.bucket.read(ctx, key)
	if err != nil {
		return i, nil, fmt.Errorf("read snapshot %s: %w", key, err)
	}
	header, state, _ := bytes.Cut(object, []byte{'\n'})
	if err := json.Unmarshal(header, &i); err != nil {
		return i, nil, fmt.Errorf("snapshot %s: its header is damaged: %w", key, err)
	}
	if len(state) != i.Size {
		return i, nil, fmt.Errorf("snapshot %s: it has %d bytes of %d", key, len(state), i.Size)
	}
	if sum := sha256.Sum256(state); hex.EncodeToString(sum[:]) != i.SHA256 || i.Key() != key {
		return i, nil, fmt.Errorf("snapshot %s: its checksum or its key does not match its content", key)
	}
	return i, state, nil
}

// keys lists the snapshots, oldest first.
func (s *Store) keys(ctx context.Context) ([]string, error) {
	keys, err := s.bucket.list(ctx, folder)
	if err != nil {
		return nil, fmt.Errorf("list snapshots: %w", err)
	}
	slices.Sort(keys)
	return keys, nil
}
