package primarybackup

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// File is a journal on disk. It grows at the end, and at times loses its last
// records. Nothing in it becomes obsolete, so it is never compacted. Methods may be
// called concurrently.
type File struct {
	mu          sync.Mutex
	path        string
	f           *os.File
	ends        []int64 // ends[i] is the offset at which the record with index i+1 ends
	starts      epochStarts
	last        Position
	synced      uint64 // index up to which all records are known to be on disk
	truncations int    // since the file was opened
	fsync       func() error
	failure     error // of a write or sync: the content of the disk is unknown since
}

// DamagedError is returned for a journal whose synced records have changed on disk.
type DamagedError struct {
	Path   string
	Offset int64
	Reason string
}

func (d *DamagedError) Error() string {
	return fmt.Sprintf("journal %s is damaged at byte %d, though this part was on disk before: %s. The node does not start with it. "+
		"Move the file away while the other nodes are up, and the node fetches everything from them", d.Path, d.Offset, d.Reason)
}

// OpenFile opens or creates a journal and calls replay with each of its records. A
// torn tail, which was being written when the node died, is removed, and torn is its
// length in bytes. Damage in what had been synced is a *DamagedError.
func OpenFile(path string, replay func(Record)) (_ *File, torn int64, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, 0, fmt.Errorf("open journal: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, 0, fmt.Errorf("read journal %s: %w", path, err)
	}
	j := &File{path: path, f: f, fsync: f.Sync}
	whole := int64(0)
	for whole < int64(len(data)) {
		r, _, size, err := parseRecord(data[whole:])
		if err == nil {
			err = r.checkFollows(j.last)
		}
		if err != nil {
			if proof := syncedRecordAfter(data[whole:], j.last.Index+1); proof > 0 {
				return nil, 0, &DamagedError{path, whole, fmt.Sprintf("%v, and record %d, which was written later, follows it", err, proof)}
			}
			break
		}
		whole += int64(size)
		j.noteRecord(r, whole)
		replay(r)
	}
	if torn = int64(len(data)) - whole; torn > 0 {
		if err := f.Truncate(whole); err != nil {
			return nil, 0, fmt.Errorf("remove the torn tail of journal %s: %w", path, err)
		}
	}
	if err := errors.Join(f.Sync(), durable.SyncFolder(filepath.Dir(path))); err != nil {
		return nil, 0, fmt.Errorf("sync journal %s: %w", path, err)
	}
	j.synced = j.last.Index
	return j, torn, nil
}

// syncedRecordAfter searches what follows a bad record for a record that was written
// after the record with this index had been synced. It returns the later record's
// index, or 0 if there is none: then a crash may have torn everything from the bad
// record on, in any order.
func syncedRecordAfter(b []byte, index uint64) uint64 {
	for i := 1; i+headerSize <= len(b); i++ {
		if r, synced, _, err := parseRecord(b[i:]); err == nil && r.Index > index && synced >= index {
			return r.Index
		}
	}
	return 0
}

// noteRecord adds a record, which ends at an offset, to the index in memory.
func (j *File) noteRecord(r Record, end int64) {
	if r.Epoch != j.last.Epoch {
		j.starts = append(j.starts, EpochStart{r.Epoch, r.Index})
	}
	j.last = Position{r.Epoch, r.Index}
	j.ends = append(j.ends, end)
}

func (j *File) size() int64 {
	if len(j.ends) == 0 {
		return 0
	}
	return j.ends[len(j.ends)-1]
}

// Append writes records that follow the last one and each other. They survive the
// death of the process; after Sync they survive that of the machine.
func (j *File) Append(rs ...Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.failure != nil {
		return j.failure
	}
	var buf []byte
	at, last := j.size(), j.last
	for _, r := range rs {
		if err := r.checkFollows(last); err != nil {
			return fmt.Errorf("append to journal %s: %w", j.path, err)
		}
		if len(r.Payload) > MaxPayload {
			return fmt.Errorf("append to journal %s: a payload of %d bytes, at most %d", j.path, len(r.Payload), MaxPayload)
		}
		last = Position{r.Epoch, r.Index}
		buf = appendRecord(buf, r, j.synced)
	}
	if _, err := j.f.WriteAt(buf, at); err != nil {
		if j.f.Truncate(at) != nil {
			j.failure = fmt.Errorf("journal %s: a failed write could not be undone: %w", j.path, err)
		}
		return fmt.Errorf("append to journal %s: %w", j.path, err)
	}
	for _, r := range rs {
		at += int64(headerSize + len(r.Payload))
		j.noteRecord(r, at)
	}
	return nil
}

// Sync syncs what was written and returns the index up to which all records are on
// disk, which is less if the file is truncated meanwhile. After a failed sync the
// content of the disk is unknown, so every later Append and Sync fails.
func (j *File) Sync() (uint64, error) {
	j.mu.Lock()
	written, synced, failure, truncations := j.last.Index, j.synced, j.failure, j.truncations
	j.mu.Unlock()
	if failure != nil || written == synced {
		return synced, failure
	}
	err := j.fsync() // without the lock, so that appends go on
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.failure = fmt.Errorf("sync journal %s: %w", j.path, err)
		return j.synced, j.failure
	}
	if truncations == j.truncations { // otherwise other records may have been written in their place
		j.synced = max(j.synced, written)
	}
	return j.synced, nil
}

// Truncate removes all records after the index last and returns them, oldest first.
// They do not come back after a crash.
func (j *File) Truncate(last uint64) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if last >= j.last.Index {
		return nil, nil
	}
	var removed []Record
	for next := last + 1; next <= j.last.Index; {
		rs, err := j.read(next, 1<<20)
		if err != nil {
			return nil, err
		}
		removed = append(removed, rs...)
		next = rs[len(rs)-1].Index + 1
	}
	end := int64(0)
	if last > 0 {
		end = j.ends[last-1]
	}
	if err := errors.Join(j.f.Truncate(end), j.f.Sync()); err != nil {
		j.failure = fmt.Errorf("truncate journal %s: %w", j.path, err)
		return nil, j.failure
	}
	j.truncations++
	j.ends = j.ends[:last]
	for len(j.starts) > 0 && j.starts[len(j.starts)-1].First > last {
		j.starts = j.starts[:len(j.starts)-1]
	}
	j.last = Position{Index: last}
	if n := len(j.starts); n > 0 {
		j.last.Epoch = j.starts[n-1].Epoch
	}
	j.synced = last
	return removed, nil
}

// Read returns records from an index on: at least one, if there is one, and about
// maxBytes. It verifies their checksums.
func (j *File) Read(from uint64, maxBytes int64) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.read(from, maxBytes)
}

func (j *File) read(from uint64, maxBytes int64) ([]Record, error) {
	if from == 0 || from > j.last.Index {
		return nil, nil
	}
	begin := int64(0)
	if from > 1 {
		begin = j.ends[from-2]
	}
	to := from
	for to < j.last.Index && j.ends[to]-begin <= maxBytes {
		to++
	}
	data := make([]byte, j.ends[to-1]-begin)
	if _, err := j.f.ReadAt(data, begin); err != nil {
		return nil, fmt.Errorf("read journal %s at byte %d: %w", j.path, begin, err)
	}
	out := make([]Record, 0, to-from+1)
	for at := 0; at < len(data); {
		r, _, size, err := parseRecord(data[at:])
		if err != nil || r.Index != from+uint64(len(out)) {
			return nil, &DamagedError{j.path, begin + int64(at), fmt.Sprintf("this is not record %d: %v", from+uint64(len(out)), err)}
		}
		out = append(out, r)
		at += size
	}
	return out, nil
}

// Last is the position of the last record.
func (j *File) Last() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Synced is the index up to which all records are known to be on disk.
func (j *File) Synced() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.synced
}

// Failure is the error of the disk after which the journal accepts nothing, or nil.
func (j *File) Failure() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.failure
}

// EpochStarts returns where each epoch starts, and the index of the last record.
func (j *File) EpochStarts() (epochStarts, uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append(epochStarts(nil), j.starts...), j.last.Index
}

// Close syncs and closes the file.
func (j *File) Close() error {
	_, err := j.Sync()
	return errors.Join(err, j.f.Close())
}
