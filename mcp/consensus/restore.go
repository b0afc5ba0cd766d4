package consensus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/hashicorp/raft"

	"github.com/mcp-resilience/holdfast/mcp/state"
)

// Export returns the node's state, encoded, and its place in the log. The term
// is the node's present one, which is that of the last entry or a later one.
func (n *Node) Export() (index, term uint64, encoded []byte, err error) {
	snap := n.state.Snapshot()
	var b bytes.Buffer
	if err := snap.Write(&b); err != nil {
		return 0, 0, nil, fmt.Errorf("export state: %w", err)
	}
	return snap.Index(), n.raft.CurrentTerm(), b.Bytes(), nil
}

// Empty says whether a consensus folder holds nothing.
func Empty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return len(entries) == 0, err
}

// Restore fills an empty folder with an exported state, as if the node had
// taken part up to there; cfg says who votes from now on.
func Restore(cfg Config, index, term uint64, encoded []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore consensus: %w", err)
		}
	}()
	if err := state.New().Restore(io.NopCloser(bytes.NewReader(encoded))); err != nil {
		return err // better now than after it has replaced something
	}
	log, err := openLog(cfg.Dir, cfg.Logger.Named("log"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := log.votes.SetUint64([]byte("CurrentTerm"), term); err != nil {
		return err
	}
	snaps, err := openSnapshots(cfg.Dir, cfg.Logger.Named("snapshots"))
	if err != nil {
		return err
	}
	_, nowhere := raft.NewInmemTransport("")
	sink, err := snaps.Create(1, index, term, members(cfg), index, nowhere)
	if err != nil {
		return err
	}
	if _, err := sink.Write(encoded); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Recover makes the voters of cfg the only members of a folder's log. What the
// log holds counts as committed, whoever else has it.
func Recover(cfg Config) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("recover consensus: %w", err)
		}
	}()
	log, err := openLog(cfg.Dir, cfg.Logger.Named("log"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	snaps, err := openSnapshots(cfg.Dir, cfg.Logger.Named("snapshots"))
	if err != nil {
		return err
	}
	_, nowhere := raft.NewInmemTransport("")
	if err := raft.RecoverCluster(cfg.raft(), &machine{state.New()}, log, log.votes, snaps, nowhere, members(cfg)); err != nil {
		return err
	}
	held, err := snaps.verify()
	if err != nil {
		return err
	}
	return log.mark.fallBack(place{index: held}) // a tail that was lost is no more missed
}

// members is who takes part at the beginning of a log.
func members(cfg Config) (out raft.Configuration) {
	for _, name := range sorted(cfg.Peers) {
		s := raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(cfg.Peers[name])}
		if !slices.Contains(cfg.Voters, name) {
			s.Suffrage = raft.Nonvoter
		}
		out.Servers = append(out.Servers, s)
	}
	return out
}
