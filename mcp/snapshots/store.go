// Package snapshots keeps copies of the platform's whole state in an object
// store (a directory, or S3), from which a region or the whole platform can be
// restored when its disks are gone. A copy is as old as it is: what was
// acknowledged after it is not in it.
package snapshots

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/fileblob" // file://
	_ "gocloud.dev/blob/memblob"  // mem://
	_ "gocloud.dev/blob/s3blob"   // s3://
)

// Kept is how many snapshots stay in the store.
const Kept = 5

// Info is what a snapshot says of itself.
type Info struct {
	Generation uint64    `json:"generation"` // of the cluster, see mcp/standby
	Index      uint64    `json:"index"`      // of the last command in it
	Term       uint64    `json:"term"`
	Taken      time.Time `json:"taken"`
	By         string    `json:"by"` // node
	Size       int       `json:"size"`
	SHA256     string    `json:"sha256"`
}

// Key is where the snapshot is, in order of age.
func (i Info) Key() string { return fmt.Sprintf("snapshots/%08d-%020d", i.Generation, i.Index) }

// Store is the object store. Close it.
type Store struct{ bucket *blob.Bucket }

// Open opens the store at a URL: file:///a/folder, or s3://bucket?region=…, as
// https://gocloud.dev/howto/blob describes them. A folder is made if need be.
func Open(ctx context.Context, at string) (*Store, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, fmt.Errorf("open object store: %w", err)
	}
	if u.Scheme == "file" {
		q := u.Query()
		q.Set("create_dir", "true")
		q.Set("no_tmp_dir", "true") // so that the last step is a rename within one file system
		q.Set("metadata", "skip")
		u.RawQuery = q.Encode()
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, fmt.Errorf("open object store %s: %w", at, err)
	}
	return &Store{b}, nil
}

// Close ends the use of the store.
func (s *Store) Close() error { return s.bucket.Close() }

// Save stores a snapshot and removes those that are too many. It returns what was stored.
func (s *Store) Save(ctx context.Context, i Info, state []byte) (Info, error) {
	sum := sha256.Sum256(state)
	i.Size, i.SHA256 = len(state), hex.EncodeToString(sum[:])
	head, err := json.Marshal(i)
	if err != nil {
		return i, fmt.Errorf("save snapshot: %w", err)
	}
	object := slices.Concat(head, []byte{'\n'}, state)
	if err := s.bucket.WriteAll(ctx, i.Key(), object, nil); err != nil {
		return i, fmt.Errorf("save snapshot %s: %w", i.Key(), err)
	}
	keys, err := s.keys(ctx)
	if err != nil {
		return i, err
	}
	for _, old := range keys[:max(0, len(keys)-Kept)] {
		if err := s.bucket.Delete(ctx, old); err != nil {
			return i, fmt.Errorf("remove snapshot %s: %w", old, err)
		}
	}
	return i, nil
}

// ErrNone says that the store holds no snapshot that can be read.
var ErrNone = errors.New("no snapshot in the object store")

// Latest returns the newest snapshot that is whole. Damaged ones that are newer
// are listed in skipped, with what is wrong with each.
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
	return i, nil, skipped, errors.Join(append([]error{ErrNone}, skipped...)...)
}

func (s *Store) read(ctx context.Context, key string) (i Info, state []byte, err error) {
	object, err := s.bucket.ReadAll(ctx, key)
	if err != nil {
		return i, nil, fmt.Errorf("read snapshot %s: %w", key, err)
	}
	head, state, _ := bytes.Cut(object, []byte{'\n'})
	if err := json.Unmarshal(head, &i); err != nil {
		return i, nil, fmt.Errorf("snapshot %s: its head is damaged: %w", key, err)
	}
	if len(state) != i.Size {
		return i, nil, fmt.Errorf("snapshot %s: it has %d bytes of %d", key, len(state), i.Size)
	}
	if sum := sha256.Sum256(state); hex.EncodeToString(sum[:]) != i.SHA256 || i.Key() != key {
		return i, nil, fmt.Errorf("snapshot %s: it is damaged: its checksum or its name does not fit", key)
	}
	return i, state, nil
}

// keys lists the snapshots, oldest first.
func (s *Store) keys(ctx context.Context) ([]string, error) {
	var out []string
	for it := s.bucket.List(&blob.ListOptions{Prefix: "snapshots/"}); ; {
		o, err := it.Next(ctx)
		if errors.Is(err, io.EOF) {
			slices.Sort(out)
			return out, nil
		}
		if err != nil {
			return nil, fmt.Errorf("list snapshots: %w", err)
		}
		if !o.IsDir && !strings.HasSuffix(o.Key, ".tmp") {
			out = append(out, o.Key)
		}
	}
}
