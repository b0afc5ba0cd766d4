package mcp

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/client"
	"github.com/mcp-resilience/holdfast/topology"
)

// settingsClass is the class of data that holds settings.
const settingsClass = "config"

// settingOf returns the name of the setting if a key is of the class config.
func settingOf(key string) (setting string, ok bool) {
	return strings.CutPrefix(key, settingsClass+"/")
}

// configClient is a user's client of the config servers.
type configClient struct {
	*client.ConfigClient
	conns *api.Pool
}

func newConfigClient(c *cluster.Cluster, from topology.Region, who *client.Identity) configClient {
	pool := api.NewPool(nodespec.APIPort, api.DialFunc(c.Dialer(from)), api.Credentials{TLS: who.ClientConfig()})
	return configClient{client.NewConfigClient(pool.To, configServers(c.Topology)), pool}
}

// close closes its connections.
func (o configClient) close() error {
	o.Close()
	return o.conns.Close()
}

// configServers returns the nodes that have the role of config server, those of the main region first:
// nodes of their own, or all nodes in layouts where each has every role.
func configServers(t topology.Topology) []string {
	weight := map[topology.Region]int{}
	for _, r := range t.RegionSpecs {
		weight[r.Region] = r.Weight
	}
	nodes := slices.DeleteFunc(slices.Clone(t.Nodes), func(n topology.Node) bool {
		return n.Service != Name && n.Service != string(nodespec.Settings)
	})
	slices.SortStableFunc(nodes, func(a, b topology.Node) int { return cmp.Compare(weight[b.Region], weight[a.Region]) })
	out := make([]string, len(nodes))
	for i, n := range nodes {
		out[i] = string(n.ID)
	}
	return out
}

// setting performs an operation on a setting.
func (o configClient) setting(ctx context.Context, op history.Op, key string) history.Op {
	switch op.Kind {
	case history.Read:
		r, err := o.Get(ctx, key, consistency(op))
		return resultOfSetting(op, r, err)
	case history.Write:
		r, err := o.Put(ctx, client.NewID(), key, op.Value)
		return resultOfMutation(op, r, err)
	}
	return failed(op, fmt.Errorf("a setting has no operation %q", op.Kind))
}

// resultOfSetting is the result of reading a setting.
func resultOfSetting(op history.Op, r *api.SettingReply, err error) history.Op {
	if err != nil {
		return failed(op, err)
	}
	op.Output = r.Setting.GetValue()
	return acknowledged(op, r.Origin)
}
