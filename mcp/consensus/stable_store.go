package consensus

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/checkedfile"
)

// stableStore is raft's stable storage: the current term, and the candidate that this node
// voted for in it. A node that forgets them may vote twice. The write-ahead log would
// keep them in its metadata, a database in which a flipped bit can make a key disappear
// silently. Here they are one small file with a checksum, replaced and synced at each
// change, of which there are few.
type stableStore struct {
	path   string
	mu     sync.Mutex
	values map[string][]byte
}

var _ raft.StableStore = (*stableStore)(nil)

// openStableStore reads the file; must makes a missing file an error.
func openStableStore(path string, must bool) (*stableStore, error) {
	v := &stableStore{path: path, values: map[string][]byte{}}
	b, err := checkedfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &v.values)
	}
	if err != nil {
		return nil, fmt.Errorf("term and vote in %s: %w", path, err)
	}
	return v, nil
}

// Set implements raft.StableStore. It returns once the value is synced.
func (v *stableStore) Set(key, value []byte) (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, had := v.values[string(key)]
	v.values[string(key)] = value
	defer func() {
		if err == nil {
			return
		}
		if v.values[string(key)] = old; !had {
			delete(v.values, string(key))
		}
		err = fmt.Errorf("store %s in %s: %w", key, v.path, err)
	}()
	b, err := json.Marshal(v.values)
	if err != nil {
		return err
	}
	return checkedfile.Write(v.path, b)
}

// Get implements raft.StableStore. A key that was never set has an empty value.
func (v *stableStore) Get(key []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.values[string(key)], nil
}

// SetUint64 implements raft.StableStore.
func (v *stableStore) SetUint64(key []byte, n uint64) error { return v.Set(key, encodeUint64(n)) }

// GetUint64 implements raft.StableStore. A key that was never set is 0.
func (v *stableStore) GetUint64(key []byte) (uint64, error) {
	b, err := v.Get(key)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	return decodeUint64(b)
}
