package docker

import (
	"maps"

	"github.com/moby/moby/client"

	"github.com/mcp-resilience/holdfast/cluster/cleanup"
)

// Labels on everything that this package makes. Nothing without LabelRun is
// ever removed, and of images nothing without LabelImage.
const (
	LabelRun   = "holdfast.run"   // the run's id
	LabelOwner = "holdfast.owner" // cleanup.Owner of the process that runs it
	LabelNode  = "holdfast.node"  // node a container belongs to
	LabelPart  = "holdfast.part"  // "sandbox" or "node"
	LabelImage = "holdfast.image" // program an image was made from
)

func runLabels(run string, more map[string]string) map[string]string {
	out := map[string]string{LabelRun: run, LabelOwner: cleanup.Self().String()}
	maps.Copy(out, more)
	return out
}

// ofRun matches what belongs to one run; ours what belongs to any.
func ofRun(run string) client.Filters { return make(client.Filters).Add("label", LabelRun+"="+run) }
func ours() client.Filters            { return make(client.Filters).Add("label", LabelRun) }
