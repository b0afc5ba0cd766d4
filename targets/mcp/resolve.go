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

// askLimit bounds one question to one node, which may be dead or cut off.
const askLimit = 500 * time.Millisecond

// Resolve asks every node at once who it takes for the leader. The leader is
// the node that says of itself that it leads, in the highest term, and that a majority of
// voters follows.
func (Target) Resolve(ctx context.Context, c *cluster.Cluster, r topology.Role) ([]topology.NodeID, error) {
	if !slices.Contains([]topology.Role{topology.Leader, topology.Follower, topology.StreamLeader}, r) {
		return nil, fmt.Errorf("mcp has no role %q: known are %s, %s, %s", r, topology.Leader, topology.Follower, topology.StreamLeader)
	}
	said := ask(ctx, c)
	if r == topology.StreamLeader {
		return streamLeader(said)
	}
	leader, err := elect(c.Topology, said)
	if err != nil {
		return nil, err
	}
	if r == topology.Leader {
		return []topology.NodeID{leader}, nil
	}
	var followers []topology.NodeID
	for _, n := range voters(c.Topology) {
		if _, up := said[n.ID]; up && n.ID != leader {
			followers = append(followers, n.ID)
		}
	}
	if len(followers) == 0 {
		return nil, fmt.Errorf("mcp: no follower answers")
	}
	return followers, nil
}

// elect finds the leader in what the nodes said.
func elect(t topology.Topology, said map[topology.NodeID]api.NodeStatus) (topology.NodeID, error) {
	var leader topology.NodeID
	var term uint64
	for id, s := range said {
		if s.Role == "leader" && s.Term > term {
			leader, term = id, s.Term
		}
	}
	if leader == "" {
		return "", fmt.Errorf("mcp: no node says that it leads (%d of %d answered)", len(said), len(t.Nodes))
	}
	followed := 0
	for _, n := range voters(t) {
		if said[n.ID].Leader == string(leader) {
			followed++
		}
	}
	if voters := len(voters(t)); 2*followed <= voters {
		return "", fmt.Errorf("mcp: %s says that it leads in term %d, but only %d of %d voters follow it", leader, term, followed, voters)
	}
	return leader, nil
}

func voters(t topology.Topology) []topology.Node {
	return slices.DeleteFunc(slices.Clone(t.Nodes), func(n topology.Node) bool { return !n.Voter })
}

// ask returns the status of every node that answers.
func ask(ctx context.Context, c *cluster.Cluster) map[topology.NodeID]api.NodeStatus {
	var mu sync.Mutex
	var all sync.WaitGroup
	said := map[topology.NodeID]api.NodeStatus{}
	for _, n := range c.Topology.Nodes {
		all.Go(func() {
			s, err := statusOf(ctx, c, n)
			if err != nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			said[n.ID] = s
		})
	}
	all.Wait()
	return said
}

func statusOf(ctx context.Context, c *cluster.Cluster, n topology.Node) (s api.NodeStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, askLimit)
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

// get asks a node over HTTPS, over the links of its own region's clients. The
// connection ends with the body.
func get(ctx context.Context, c *cluster.Cluster, n topology.Node, path string) (*http.Response, error) {
	who, err := client.NewIdentity(c.Secret, "holdfast")
	if err != nil {
		return nil, err
	}
	dial := c.Dialer(n.Region)
	hc := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: who.Dial(),
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
