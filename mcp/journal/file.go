package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// File is a journal on disk. It only grows, and at times loses its tail:
// nothing in it is ever out of date, so there is nothing to compact.
// Methods may be called concurrently.
type File struct {
	mu       sync.Mutex
	path     string
	f        *os.File
	ends     []int64 // ends[i] is where the record with index i+1 ends
	chapters chapters
	last     Position
	synced   uint64 // index up to which all is known to be on disk
	cuts     int    // since the file was opened
	fsync    func() error
	broken   error // a write or sync failed: what the disk holds is not known any more
}

// Damaged is the error of a journal that was whole and is no longer.
type Damaged struct {
	Path   string
	Offset int64
	Says   string
}

func (d *Damaged) Error() string {
	return fmt.Sprintf("journal %s is damaged at byte %d: %s, though it was whole once. "+
		"It is not served. Move the file away while other nodes live: the node then fetches everything from them", d.Path, d.Offset, d.Says)
}

// OpenFile opens or begins a journal and gives each of its records to see. A
// tail that was being written when the node died is cut, and its length in
// bytes returned. Damage in what had been synced is a *Damaged.
func OpenFile(path string, see func(Record)) (_ *File, cut int64, err error) {
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
			err = r.follows(j.last)
		}
		if err != nil {
			if proof := provesSynced(data[whole:], j.last.Index+1); proof > 0 {
				return nil, 0, &Damaged{path, whole, fmt.Sprintf("%v, and record %d behind it was written later", err, proof)}
			}
			break
		}
		whole += int64(size)
		j.note(r, whole)
		see(r)
	}
	if cut = int64(len(data)) - whole; cut > 0 {
		if err := f.Truncate(whole); err != nil {
			return nil, 0, fmt.Errorf("cut torn tail of journal %s: %w", path, err)
		}
	}
	if err := errors.Join(f.Sync(), syncDir(filepath.Dir(path))); err != nil {
		return nil, 0, fmt.Errorf("sync journal %s: %w", path, err)
	}
	j.synced = j.last.Index
	return j, cut, nil
}

// provesSynced looks behind a bad place for a record that was written when the
// record with this index had been synced. It returns that later record's index, 0 if there
// is none: then a crash may have torn all from the bad place on, in any order.
func provesSynced(b []byte, index uint64) uint64 {
	for i := 1; i+header <= len(b); i++ {
		if r, synced, _, err := parseRecord(b[i:]); err == nil && r.Index > index && synced >= index {
			return r.Index
		}
	}
	return 0
}

// note takes up a record that ends at an offset.
func (j *File) note(r Record, end int64) {
	if r.Epoch != j.last.Epoch {
		j.chapters = append(j.chapters, Chapter{r.Epoch, r.Index})
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

// Append writes records that follow each other behind the last. They are safe
// from the death of the process; Sync makes them safe from that of the machine.
func (j *File) Append(rs ...Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	var buf []byte
	at, last := j.size(), j.last
	for _, r := range rs {
		if err := r.follows(last); err != nil {
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
			j.broken = fmt.Errorf("journal %s: a failed write could not be undone: %w", j.path, err)
		}
		return fmt.Errorf("append to journal %s: %w", j.path, err)
	}
	for _, r := range rs {
		at += int64(header + len(r.Payload))
		j.note(r, at)
	}
	return nil
}

// Sync puts what is written on disk and returns up to where that is; less than
// all when a Cut comes between. After a
// failed sync nobody can tell, so the journal takes nothing more.
func (j *File) Sync() (uint64, error) {
	j.mu.Lock()
	to, done, broken, cuts := j.last.Index, j.synced, j.broken, j.cuts
	j.mu.Unlock()
	if broken != nil || to == done {
		return done, broken
	}
	err := j.fsync() // without the lock: appends go on
	j.mu.Lock()
	defer j.mu.Unlock()
	if err != nil {
		j.broken = fmt.Errorf("sync journal %s: %w", j.path, err)
		return j.synced, j.broken
	}
	if cuts == j.cuts { // else the records up to there may be others, written since
		j.synced = max(j.synced, to)
	}
	return j.synced, nil
}

// Cut removes all records behind an index and returns them, oldest first.
// They do not come back after a crash.
func (j *File) Cut(last uint64) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if last >= j.last.Index {
		return nil, nil
	}
	var gone []Record
	for next := last + 1; next <= j.last.Index; {
		rs, err := j.read(next, 1<<20)
		if err != nil {
			return nil, err
		}
		gone = append(gone, rs...)
		next = rs[len(rs)-1].Index + 1
	}
	end := int64(0)
	if last > 0 {
		end = j.ends[last-1]
	}
	if err := errors.Join(j.f.Truncate(end), j.f.Sync()); err != nil {
		j.broken = fmt.Errorf("cut journal %s: %w", j.path, err)
		return nil, j.broken
	}
	j.cuts++
	j.ends = j.ends[:last]
	for len(j.chapters) > 0 && j.chapters[len(j.chapters)-1].First > last {
		j.chapters = j.chapters[:len(j.chapters)-1]
	}
	j.last = Position{Index: last}
	if n := len(j.chapters); n > 0 {
		j.last.Epoch = j.chapters[n-1].Epoch
	}
	j.synced = last
	return gone, nil
}

// Read returns records from an index on, at least one and about most bytes of
// them; none when there is none. Their checksums hold.
func (j *File) Read(from uint64, most int64) ([]Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.read(from, most)
}

func (j *File) read(from uint64, most int64) ([]Record, error) {
	if from == 0 || from > j.last.Index {
		return nil, nil
	}
	begin := int64(0)
	if from > 1 {
		begin = j.ends[from-2]
	}
	to := from
	for to < j.last.Index && j.ends[to]-begin <= most {
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
			return nil, &Damaged{j.path, begin + int64(at), fmt.Sprintf("not record %d: %v", from+uint64(len(out)), err)}
		}
		out = append(out, r)
		at += size
	}
	return out, nil
}

// Last is the place of the last record.
func (j *File) Last() Position {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.last
}

// Synced is the index up to which all is known to be on disk.
func (j *File) Synced() uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.synced
}

// Broken is why the journal takes nothing more, nil while it does.
func (j *File) Broken() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.broken
}

// Chapters returns whose records are where, and the index of the last.
func (j *File) Chapters() (chapters, uint64) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append(chapters(nil), j.chapters...), j.last.Index
}

// Close syncs and closes the file.
func (j *File) Close() error {
	_, err := j.Sync()
	return errors.Join(err, j.f.Close())
}

// syncDir makes a file's name safe. Not every system can; what cannot needs not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, fs.ErrInvalid) {
		return err
	}
	return nil
}
