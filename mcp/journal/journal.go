// Package journal keeps the classes of data that need not wait for a majority:
// semisync (orders) and async (logs). Each class has a journal, of which every
// control node holds a copy. One of them is its primary: it numbers what is
// added, acknowledges it, and ships it to the others.
//
//	      Append               Ship (in order, pipelined)
//	gateway ──► primary ─────────────────────────────► replica, another region
//	              │ file, fsync   ◄──── Receipt ─────    │ file
//	              ▼
//	   acknowledged: semisync  on this disk and received in another region
//	                 async     written here
//
// Who is primary, and in which epoch, is agreed through the replicated log (a
// Promotion). When the primary is lost the cluster's leader takes a new epoch,
// *fences* every control node that is not lost (it promises, on disk, to refuse
// older epochs), is told how far each copy is, and promotes the furthest. So
// whatever had been acknowledged is in it: a receipt came from a node that then answers.
// And whatever the old primary still does gets no receipts any more.
//
// A primary begins its epoch with a record of its own and acknowledges nothing before
// that has been received, so that its copy is further than any of an older
// epoch. It holds office for one life of its process: after a restart
// it is promoted anew or not at all, so no two different records ever have the
// same epoch and index. That makes copies easy to compare: see agree.
//
// Read record, file, position, promise (what is on disk), content (what it
// means), journal (a copy), office and ship (the primary), keeper and service (a node's part),
// promoter (the leader's part).
//
// Limits: a node whose disk was deleted has forgotten its promise. A node that
// is lost, by arbitration, yet still talks with the lost primary could give it receipts,
// unless the leader's word to fence itself reaches it, which nobody waits for;
// a primary that knows no leader therefore takes nothing, and confirms no semisync read.
package journal

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Classes are those that are kept in journals.
func Classes() []api.Class { return []api.Class{api.Class_SEMISYNC, api.Class_ASYNC} }

// tailLost is how many records the defect of that name drops at a start.
const tailLost = 64

// errOld refuses what comes from a primary of an older epoch.
var errOld = errors.New("a newer epoch is promised")

// Journal is one node's copy of a class's journal.
type Journal struct {
	class api.Class
	self  string
	note  func(k events.Kind, says string, fields map[string]string)
	file  *File

	mu      sync.Mutex
	promise *promise
	content *content
	agreed  Position // up to Index this copy is that of the primary of Epoch
	office  *office  // nil unless this node is the primary
	grown   signal   // something may have to be synced or shipped
	waiting []*waiter
}

// name is the class as files and events call it.
func name(c api.Class) string { return strings.ToLower(c.String()) }

// open opens a node's copy in its folder. With loseTail the last records are
// dropped, which is a defect.
func open(dir string, class api.Class, self string, note func(events.Kind, string, map[string]string), loseTail bool) (*Journal, error) {
	j := &Journal{class: class, self: self, note: note, content: newContent(), grown: newSignal()}
	var cut int64
	var err error
	if j.promise, err = openPromise(filepath.Join(dir, name(class)+".promise")); err != nil {
		return nil, err
	}
	if j.file, cut, err = OpenFile(filepath.Join(dir, name(class)+".journal"), j.content.add); err != nil {
		return nil, err
	}
	if cut > 0 {
		j.tell(events.JournalRepaired, fmt.Sprintf("cut %d bytes that were being written when the node died", cut), map[string]string{"bytes": strconv.FormatInt(cut, 10)})
	}
	last := j.file.Last()
	if loseTail {
		gone, err := j.file.Cut(last.Index - min(last.Index, tailLost))
		if err != nil {
			return nil, errors.Join(err, j.file.Close())
		}
		j.content.remove(gone)
	}
	if err := j.promise.raise(last.Epoch); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// tell notes an event of this journal.
func (j *Journal) tell(k events.Kind, says string, fields map[string]string) {
	if fields == nil {
		fields = map[string]string{}
	}
	fields["class"] = name(j.class)
	j.note(k, name(j.class)+" journal: "+says, fields)
}

// fence promises to refuse primaries of epochs before this one.
func (j *Journal) fence(epoch uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.obey(epoch)
}

// obey accepts an epoch or refuses it as too old; the caller holds the lock.
func (j *Journal) obey(epoch uint64) error {
	if epoch < j.promise.data.Epoch {
		return fmt.Errorf("%s: epoch %d of %s: %w: %d", j.self, epoch, name(j.class), errOld, j.promise.data.Epoch)
	}
	if o := j.office; o != nil && o.epoch < epoch {
		j.leave(o)
	}
	return j.promise.raise(epoch)
}

// follow finds up to where this copy is the primary's, which it describes by its
// chapters, and cuts what is not.
func (j *Journal) follow(epoch uint64, theirs chapters, last uint64) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.obey(epoch); err != nil {
		return 0, err
	}
	own, end := j.file.Chapters()
	at := agree(own, end, theirs, last)
	if j.file.Last().Epoch == epoch {
		at = end // all of it came from this primary, whose first words may have been delayed
	}
	gone, err := j.file.Cut(at)
	if err != nil {
		return 0, err
	}
	j.content.remove(gone)
	if len(gone) > 0 {
		j.tell(events.JournalCut, fmt.Sprintf("%d records that the primary of epoch %d does not have, behind record %d", len(gone), epoch, at),
			map[string]string{"records": strconv.Itoa(len(gone)), "epoch": strconv.FormatUint(epoch, 10), "index": strconv.FormatUint(at, 10)})
	}
	j.agreed = Position{epoch, at}
	j.grown.tell()
	j.wake()
	return at, nil
}

// receive writes what the primary of an epoch shipped, and returns up to where
// this copy now is.
func (j *Journal) receive(epoch uint64, rs []Record) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.obey(epoch); err != nil {
		return 0, err
	}
	if j.agreed.Epoch != epoch {
		return 0, fmt.Errorf("%s follows epoch %d of %s, not %d", j.self, j.agreed.Epoch, name(j.class), epoch)
	}
	if len(rs) > 0 {
		if err := j.write(rs...); err != nil {
			return 0, err
		}
		j.wake()
	}
	return j.agreed.Index, nil
}

// write appends records of the epoch that is followed, or of the own office.
func (j *Journal) write(rs ...Record) error {
	if err := j.file.Append(rs...); err != nil {
		return err
	}
	for _, r := range rs {
		j.content.add(r)
	}
	j.agreed.Index = j.file.Last().Index
	j.grown.tell()
	return nil
}

// members lists a set as this copy has it, up to an index.
func (j *Journal) members(set string, asOf uint64) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.content.members(set, asOf)
}

// signal tells waiters that something changed; its owner's lock guards it.
type signal struct{ change chan struct{} }

func newSignal() signal { return signal{make(chan struct{})} }

func (s *signal) wait() <-chan struct{} { return s.change }

func (s *signal) tell() {
	close(s.change)
	s.change = make(chan struct{})
}
