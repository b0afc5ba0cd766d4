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

// Export returns the node's state, encoded, and its position in the log. The term is the
// node's present one, which is that of the last entry or a later one.
func (n *Node) Export() (index, term uint64, encoded []byte, err error) {
	snap := n.state.Snapshot()
	var b bytes.Buffer
	if err := snap.Write(&b); err != nil {
		return 0, 0, nil, fmt.Errorf("export state: %w", err)
	}
	return snap.Index(), n.raft.CurrentTerm(), b.Bytes(), nil
}

// Empty reports whether a consensus folder holds nothing.
func Empty(dir string) (bool, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return true, nil
	}
	return len(entries) == 0, err
}

// Restore fills an empty folder with an exported state, as if the node had taken part up to
// there; cfg lists the voters from now on.
func Restore(cfg Config, index, term uint64, encoded []byte) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("restore consensus: %w", err)
		}
	}()
	if err := state.New().Restore(io.NopCloser(bytes.NewReader(encoded))); err != nil {
		return err // before anything is replaced
	}
	log, err := openLog(cfg.Dir, cfg.Logger.Named("log"), nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, log.Close()) }()
	if err := log.stable.SetUint64([]byte("CurrentTerm"), term); err != nil {
		return err
	}
	snaps, err := openSnapshots(cfg.Dir, cfg.Logger.Named("snapshots"))
	if err != nil {
		return err
	}
	_, unused := raft.NewInmemTransport("")
	sink, err := snaps.Create(1, index, term, initialConfiguration(cfg), index, unused)
	if err != nil {
		return err
	}
	if _, err := sink.Write(encoded); err != nil {
		return errors.Join(err, sink.Cancel())
	}
	return sink.Close()
}

// Recover makes the voters of cfg the only voters of a folder's log. All that the log holds
// counts as committed, whichever other nodes have it.
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
	_, unused := raft.NewInmemTransport("")
	if err := raft.RecoverCluster(cfg.raft(), &stateMachine{state.New()}, log, log.stable, snaps, unused, initialConfiguration(cfg)); err != nil {
		return err
	}
	held, err := snaps.verify()
	if err != nil {
		return err
	}
	return log.watermark.lower(logPosition{index: held}) // entries that were lost before are not missing any more
}

// initialConfiguration lists the members at the start of a log.
func initialConfiguration(cfg Config) (out raft.Configuration) {
	for _, name := range sorted(cfg.Peers) {
		s := raft.Server{ID: raft.ServerID(name), Address: raft.ServerAddress(cfg.Peers[name])}
		if !slices.Contains(cfg.Voters, name) {
			s.Suffrage = raft.Nonvoter
		}
		out.Servers = append(out.Servers, s)
	}
	return out
}
