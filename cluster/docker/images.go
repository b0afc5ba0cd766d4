package docker

import (
	"context"
	"fmt"
	"slices"

	"github.com/moby/moby/client"
)

// Images lists the tags of the images that this package has made, sorted.
func Images(ctx context.Context) ([]string, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	defer e.close()
	list, err := e.api.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", LabelImage)})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	var out []string
	for _, img := range list.Items {
		for _, tag := range img.RepoTags {
			if tag != "<none>:<none>" { // an older engine's word for no tag
				out = append(out, tag)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}
