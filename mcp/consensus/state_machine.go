package consensus

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/hashicorp/raft"
	"google.golang.org/protobuf/proto"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

// stateMachine is the state as the state machine that raft drives.
type stateMachine struct{ state *state.State }

// Apply carries out a committed entry. An entry that cannot be read would be unreadable on
// every node, and going on without it would lose it: the process stops instead.
func (m *stateMachine) Apply(l *raft.Log) any {
	var c api.Command
	if err := proto.Unmarshal(l.Data, &c); err != nil {
		panic(fmt.Sprintf("log entry %d cannot be read: %v", l.Index, err))
	}
	return m.state.Apply(l.Index, l.Term, &c)
}

func (m *stateMachine) Snapshot() (raft.FSMSnapshot, error) {
	return snapshot{m.state.Snapshot()}, nil
}

func (m *stateMachine) Restore(r io.ReadCloser) error {
	defer r.Close()
	return m.state.Restore(r)
}

type snapshot struct{ *state.Snapshot }

func (s snapshot) Persist(sink raft.SnapshotSink) error {
	if err := s.Write(sink); err != nil {
		_ = sink.Cancel()
		return fmt.Errorf("write snapshot: %w", err)
	}
	return sink.Close()
}

func (snapshot) Release() {}

func sorted(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
