package docker

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
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
			if tag != "<none>:<none>" { // how an older engine lists an image without a tag
				out = append(out, tag)
			}
		}
	}
	slices.Sort(out)
	return out, nil
}

// How many images of a program are kept, and how old others must be before
// they go: a run that starts now may be about to use a young one.
const (
	maxImages   = 3
	minImageAge = time.Hour
)

// SurplusImages lists the images that PruneImages would remove.
func SurplusImages(ctx context.Context) ([]string, error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("list surplus images: %w", err)
	}
	defer e.close()
	return e.surplus(ctx)
}

// PruneImages removes surplus images that this package has made: those of each
// program beyond the newest three that are older than an hour. It returns the
// removed ones. Images that a container uses stay and do not count; where one has
// just been started, the engine refuses to remove its image.
func PruneImages(ctx context.Context) (removed []string, err error) {
	e, err := connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("prune images: %w", err)
	}
	defer e.close()
	return e.pruneImages(ctx)
}

func (e *engine) pruneImages(ctx context.Context) (removed []string, err error) {
	surplus, err := e.surplus(ctx)
	if err != nil {
		return nil, fmt.Errorf("prune images: %w", err)
	}
	for _, old := range surplus {
		if _, err := e.api.ImageRemove(ctx, old, client.ImageRemoveOptions{}); err == nil {
			removed = append(removed, old)
		}
	}
	return removed, nil
}

// surplus lists the images to prune that no container uses, running or not.
func (e *engine) surplus(ctx context.Context) ([]string, error) {
	list, err := e.api.ImageList(ctx, client.ImageListOptions{Filters: make(client.Filters).Add("label", LabelImage)})
	if err != nil {
		return nil, fmt.Errorf("list images: %w", err)
	}
	containers, err := e.api.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	unused := slices.DeleteFunc(list.Items, func(img image.Summary) bool {
		return slices.ContainsFunc(containers.Items, func(c container.Summary) bool { return c.ImageID == img.ID })
	})
	return surplusByProgram(unused, time.Now()), nil
}

// surplusByProgram lists the surplus images of every program there is, not only of
// the one whose image was made last: a program that is no longer built would
// otherwise keep all of its images.
func surplusByProgram(all []image.Summary, now time.Time) []string {
	programs := map[string][]image.Summary{}
	for _, img := range all {
		programs[img.Labels[LabelImage]] = append(programs[img.Labels[LabelImage]], img)
	}
	var out []string
	for _, images := range programs {
		out = append(out, surplusImages(images, now)...)
	}
	slices.Sort(out)
	return out
}

// surplusImages lists the images of one program beyond the newest few that are old
// enough to go, by tag, or by id where there is no tag.
func surplusImages(images []image.Summary, now time.Time) []string {
	slices.SortFunc(images, func(a, b image.Summary) int { return int(b.Created - a.Created) })
	var out []string
	for i, img := range images {
		if i < maxImages || now.Sub(time.Unix(img.Created, 0)) < minImageAge {
			continue
		}
		tags := slices.DeleteFunc(slices.Clone(img.RepoTags), func(t string) bool {
			return !strings.HasPrefix(t, "holdfast/")
		})
		switch {
		case len(tags) > 0:
			out = append(out, tags...)
		case len(img.RepoTags) == 0:
			out = append(out, img.ID)
		}
	}
	return out
}
