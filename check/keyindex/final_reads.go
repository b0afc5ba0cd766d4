package keyindex

import (
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/topology"
)

// FinalReads are the reads of one key after the load, by the node that they
// went through. A node that is polled until it has caught up counts with the
// last of its successful reads.
type FinalReads struct {
	By       map[topology.NodeID]*history.Op // the last successful one
	Attempts int
	Last     *history.Op // the latest of By
	errors   map[topology.NodeID]string
}

// FinalReads collects the final reads of the key.
func (k Key) FinalReads() FinalReads {
	f := FinalReads{By: map[topology.NodeID]*history.Op{}, errors: map[topology.NodeID]string{}}
	for _, op := range k.Ops {
		if !op.Final || op.Kind.Class() != history.Reads {
			continue
		}
		f.Attempts++
		if op.Outcome != history.OK {
			f.errors[op.ReadThrough] = op.Error
			continue
		}
		if old := f.By[op.ReadThrough]; old == nil || op.Call >= old.Call {
			f.By[op.ReadThrough] = op
		}
		if f.Last == nil || op.Call >= f.Last.Call {
			f.Last = op
		}
	}
	return f
}

// Missing lists those of the nodes through which no final read succeeded, and
// the error of one of them.
func (f *FinalReads) Missing(nodes []topology.NodeID) (missing []topology.NodeID, err string) {
	for _, n := range nodes {
		if f.By[n] == nil {
			missing = append(missing, n)
			if err == "" {
				err = f.errors[n]
			}
		}
	}
	return missing, err
}

// Failed counts the nodes of which a final read failed and none succeeded.
func (f *FinalReads) Failed() int {
	n := 0
	for node := range f.errors {
		if f.By[node] == nil {
			n++
		}
	}
	return n
}
