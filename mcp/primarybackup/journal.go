// Package primarybackup replicates the classes of data that need not wait for
// a majority: semisync (orders) and async (logs). Each class has a journal, an
// append-only log of which every control node holds a copy. One of these nodes
// is the class's primary: it numbers new records, acknowledges them, and ships
// them to the others, its replicas.
//
//	      Append            Replicate (in order, pipelined)
//	gateway ──► primary ─────────────────────────────► replica, another region
//	              │ file, fsync   ◄──── Receipt ─────    │ file
//	              ▼
//	   acknowledged: semisync  on this disk and received in another region
//	                 async     written here
//
// The cluster agrees through the consensus log (a Promotion) on who is primary,
// and in which epoch. When the primary is lost, the cluster's leader takes a new
// epoch and fences every control node that is not lost: the node promises, on
// disk, to refuse older epochs, and replies with the end of its copy. The leader
// then promotes the node whose copy is furthest. That copy holds everything that
// was acknowledged, because each receipt came from a node that replied to the
// fence, and the old primary gets no receipts after it.
//
// A primary begins its epoch with a record of its own and acknowledges nothing
// before that record has been received elsewhere, so its copy is further than
// any copy of an older epoch. A primary term lasts at most until its process
// ends: a restarted node is promoted in a new epoch or not at all. So no two
// different records ever have the same epoch and index, and comparing two copies
// needs only the index at which each epoch starts: see divergencePoint. This is
// the scheme of primary-backup replication with fencing epochs, as in Viewstamped
// Replication (Oki and Liskov 1988) and Kafka's leader epochs.
//
// On disk: record, file, position, epoch_file. In memory: member_sets is what the
// records mean, journal is one copy, primary_term and replicator are the primary's
// side of it. A node's part is replica and service; the leader's part is failover.
//
// Limits: a node whose disk was deleted has forgotten its promise. A node that
// arbitration declared lost, but that still reaches the lost primary, could send
// it receipts, because nobody waits for such a node to be fenced. Therefore a
// primary that knows no leader appends nothing and confirms no semisync read.
package primarybackup

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"github.com/mcp-resilience/holdfast/internal/broadcast"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// Classes lists the classes of data that journals hold.
func Classes() []api.Class { return []api.Class{api.Class_SEMISYNC, api.Class_ASYNC} }

// errStaleEpoch refuses a primary of an older epoch than the promised one.
var errStaleEpoch = errors.New("a newer epoch is promised")

// Journal is one node's copy of a class's journal.
type Journal struct {
	class api.Class
	self  string
	emit  func(k events.Kind, text string, fields map[string]string)
	file  *File

	mu        sync.Mutex
	epochFile *epochFile
	sets      *memberSets
	matched   Position         // this copy equals that of the primary of Epoch up to Index
	term      *primaryTerm     // nil unless this node is the primary
	changed   broadcast.Signal // there may be something to sync or to ship
	waiters   []*waiter
}

// name is the class's name in files and events.
func name(c api.Class) string { return strings.ToLower(c.String()) }

// open opens the copy in dir.
func open(dir string, class api.Class, self string, emit func(events.Kind, string, map[string]string), defects Defects) (*Journal, error) {
	j := &Journal{class: class, self: self, emit: emit, sets: newMemberSets()}
	var torn int64
	var err error
	if j.epochFile, err = openEpochFile(filepath.Join(dir, name(class)+".promise")); err != nil {
		return nil, err
	}
	if j.file, torn, err = OpenFile(filepath.Join(dir, name(class)+".journal"), j.sets.apply); err != nil {
		return nil, err
	}
	if torn > 0 {
		j.emitEvent(events.JournalRepaired, fmt.Sprintf("removed the last %d bytes, which were being written when the node died", torn), map[string]string{"bytes": strconv.FormatInt(torn, 10)})
	}
	last := j.file.Last()
	if err := defects.afterOpen(j); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	if err := j.epochFile.raise(last.Epoch); err != nil {
		return nil, errors.Join(err, j.file.Close())
	}
	return j, nil
}

// emitEvent emits an event of this journal.
func (j *Journal) emitEvent(k events.Kind, text string, fields map[string]string) {
	if fields == nil {
		fields = map[string]string{}
	}
	fields["class"] = name(j.class)
	j.emit(k, name(j.class)+" journal: "+text, fields)
}

// fence promises to refuse the primaries of all epochs before this one.
func (j *Journal) fence(epoch uint64) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.checkEpoch(epoch)
}

// checkEpoch promises an epoch, or returns errStaleEpoch for one that is older than
// the promised one. A newer epoch ends this node's own term. The caller holds the lock.
func (j *Journal) checkEpoch(epoch uint64) error {
	if epoch < j.epochFile.promised.Epoch {
		return fmt.Errorf("%s: refuse epoch %d of %s: %w: %d", j.self, epoch, name(j.class), errStaleEpoch, j.epochFile.promised.Epoch)
	}
	if term := j.term; term != nil && term.epoch < epoch {
		j.endTerm(term)
	}
	return j.epochFile.raise(epoch)
}

// reconcile removes the end of this copy that the primary does not have, and
// returns the last index that the two share. The primary is described by its
// epoch, where its epochs start, and its last index.
func (j *Journal) reconcile(epoch uint64, theirs epochStarts, last uint64) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.checkEpoch(epoch); err != nil {
		return 0, err
	}
	own, end := j.file.EpochStarts()
	at := divergencePoint(own, end, theirs, last)
	if j.file.Last().Epoch == epoch {
		at = end // all of it came from this primary, and its first message was delayed
	}
	removed, err := j.file.Truncate(at)
	if err != nil {
		return 0, err
	}
	j.sets.undo(removed)
	if len(removed) > 0 {
		j.emitEvent(events.JournalCut, fmt.Sprintf("removed %d records that the primary of epoch %d does not have, after record %d", len(removed), epoch, at),
			map[string]string{"records": strconv.Itoa(len(removed)), "epoch": strconv.FormatUint(epoch, 10), "index": strconv.FormatUint(at, 10)})
	}
	j.matched = Position{epoch, at}
	j.changed.Broadcast()
	j.wakeWaiters()
	return at, nil
}

// receive appends records that the primary of an epoch shipped, and returns this
// copy's last index.
func (j *Journal) receive(epoch uint64, rs []Record) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := j.checkEpoch(epoch); err != nil {
		return 0, err
	}
	if j.matched.Epoch != epoch {
		return 0, fmt.Errorf("%s replicates epoch %d of %s, not epoch %d", j.self, j.matched.Epoch, name(j.class), epoch)
	}
	if len(rs) > 0 {
		if err := j.write(rs...); err != nil {
			return 0, err
		}
		j.wakeWaiters()
	}
	return j.matched.Index, nil
}

// write appends records of the epoch that this node replicates or is primary of.
// The caller holds the lock.
func (j *Journal) write(rs ...Record) error {
	if err := j.file.Append(rs...); err != nil {
		return err
	}
	for _, r := range rs {
		j.sets.apply(r)
	}
	j.matched.Index = j.file.Last().Index
	j.changed.Broadcast()
	return nil
}

// members lists a set as of an index of this copy.
func (j *Journal) members(set string, asOf uint64) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.sets.members(set, asOf)
}
