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

// votes is what raft must not forget besides its log: the term, and whom this
// node voted for in it. Who forgets that may vote twice. The write-ahead log
// would keep it in its metadata, a database in which a flipped bit can make a
// key disappear in silence; here it is one small file with a checksum, replaced
// and synced at each change, of which there are few.
type votes struct {
	path string
	mu   sync.Mutex
	kept map[string][]byte
}

var _ raft.StableStore = (*votes)(nil)

// openVotes reads the file; must says that there has to be one.
func openVotes(path string, must bool) (*votes, error) {
	v := &votes{path: path, kept: map[string][]byte{}}
	b, err := checkedfile.Read(path)
	if errors.Is(err, fs.ErrNotExist) && !must {
		return v, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &v.kept)
	}
	if err != nil {
		return nil, fmt.Errorf("term and vote in %s: %w", path, err)
	}
	return v, nil
}

// Set implements raft.StableStore: it returns once the value is synced.
func (v *votes) Set(key, value []byte) (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, had := v.kept[string(key)]
	v.kept[string(key)] = value
	defer func() {
		if err == nil {
			return
		}
		if v.kept[string(key)] = old; !had {
			delete(v.kept, string(key))
		}
		err = fmt.Errorf("keep %s in %s: %w", key, v.path, err)
	}()
	b, err := json.Marshal(v.kept)
	if err != nil {
		return err
	}
	return checkedfile.Write(v.path, b)
}

// Get implements raft.StableStore; what was never set is empty.
func (v *votes) Get(key []byte) ([]byte, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.kept[string(key)], nil
}

// SetUint64 implements raft.StableStore.
func (v *votes) SetUint64(key []byte, n uint64) error { return v.Set(key, number(n)) }

// GetUint64 implements raft.StableStore; what was never set is 0.
func (v *votes) GetUint64(key []byte) (uint64, error) {
	b, err := v.Get(key)
	if err != nil || len(b) == 0 {
		return 0, err
	}
	return parseNumber(b)
}
