package gateway

import "github.com/mcp-resilience/holdfast/mcp/api"

// Defects are faults that a node is started with on purpose, so that whoever tests
// the platform can check that the test notices. A sound node has none. Production
// code calls the methods below and knows of no defect.
type Defects struct {
	// FollowerReads serves every read from the node's own state, as if it were fresh.
	FollowerReads bool
	// NeverShed admits calls however short of resources the node is.
	NeverShed bool
}

// localRead returns the origin of a read that is served without asking the leader.
// A sound node has none.
func (d Defects) localRead(s *KVServer) (origin *api.Origin, instead bool) {
	if !d.FollowerReads {
		return nil, false
	}
	return &api.Origin{Node: s.Gateway.Name, Term: s.Store.Term()}, true
}

// shortOf returns the resource that admission takes the node to be short of: in a
// sound node the one that it is short of.
func (d Defects) shortOf(resource string) string {
	if d.NeverShed {
		return ""
	}
	return resource
}
