package mcp

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
)

// askTimeout bounds one question to one node, which may be dead or cut off.
const askTimeout = 500 * time.Millisecond

// Resolve asks all nodes at once for their status. The leader is the node that reports
// itself as leader in the highest term and that a majority of the voters follows.
func (Target) Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	if !slices.Contains([]topology.Role{topology.Leader, topology.Follower, topology.StreamLeader}, r) {
		return nil, fmt.Errorf("mcp has no role %q: known are %s, %s, %s", r, topology.Leader, topology.Follower, topology.StreamLeader)
	}
	statuses := askAll(ctx, c)
	if r == topology.StreamLeader {
		return streamLeader(statuses)
	}
	leader, err := agreedLeader(c.Topology, statuses)
	if err != nil {
		return nil, err
	}
	if r == topology.Leader {
		return []topology.NodeID{leader}, nil
	}
	var followers []topology.NodeID
	for _, n := range voters(c.Topology) {
		if _, up := statuses[n.ID]; up && n.ID != leader {
			followers = append(followers, n.ID)
		}
	}
	if len(followers) == 0 {
		return nil, fmt.Errorf("mcp: no follower answers")
	}
	return followers, nil
}

// agreedLeader finds the leader in the nodes' statuses.
func agreedLeader(t topology.Topology, statuses map[topology.NodeID]api.NodeStatus) (topology.NodeID, error) {
	var leader topology.NodeID
	var term uint64
	for id, s := range statuses {
		if s.Role == "leader" && s.Term > term {
			leader, term = id, s.Term
		}
	}
	if leader == "" {
		return "", fmt.Errorf("mcp: no node reports that it leads (%d of %d answered)", len(statuses), len(t.Nodes))
	}
	followed := 0
	for _, n := range voters(t) {
		if statuses[n.ID].Leader == string(leader) {
			followed++
		}
	}
	if voters := len(voters(t)); 2*followed <= voters {
		return "", fmt.Errorf("mcp: %s reports that it leads in term %d, but only %d of %d voters follow it", leader, term, followed, voters)
	}
	return leader, nil
}

func voters(t topology.Topology) []topology.Node {
	return slices.DeleteFunc(slices.Clone(t.Nodes), func(n topology.Node) bool { return !n.Voter })
}

// askAll returns the status of every node that answers.
func askAll(ctx context.Context, c *cluster.Cluster) map[topology.NodeID]api.NodeStatus {
	var mu sync.Mutex
	var all sync.WaitGroup
	statuses := map[topology.NodeID]api.NodeStatus{}
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			s, err := statusOf(ctx, c, n)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			statuses[n.ID] = s
		})
	}
	all.Wait()
	return statuses
}

func statusOf(ctx context.Context, c *cluster.Cluster, n topology.Node) (s api.NodeStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	r, err := get(ctx, c, n, "/status")
	if err != nil {
		return s, err
	}
	defer r.Body.Close()
	if err := json.NewDecoder(r.Body).Decode(&s); err != nil {
		return s, fmt.Errorf("status of %s: %w", n.ID, err)
	}
	return s, nil
}

// get requests a path of a node over HTTPS, over the links of the clients of its region.
// Closing the body closes the connection.
func get(ctx context.Context, c *cluster.Cluster, n topology.Node, path string) (*http.Response, error) {
	who, err := client.NewIdentity(c.Secret, "holdfast")
	if err != nil {
		return nil, err
	}
	dial := c.Dialer(n.Region)
	hc := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: who.ClientConfig(),
		DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
			return dial(ctx, network, addr)
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+address(n.ID, nodespec.EventsPort)+path, nil)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", n.ID, path, err)
	}
	r, err := hc.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask %s for %s: %w", n.ID, path, err)
	}
	if r.StatusCode != http.StatusOK {
		r.Body.Close()
		return nil, fmt.Errorf("ask %s for %s: %s", n.ID, path, r.Status)
	}
	return r, nil
}
