package docker

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
)

// How many images of a program are kept, and how old others must be before
// they go: a run that starts now may be about to use a young one.
const (
	keepImages = 3
	keepFor    = time.Hour
)

// forgetOld removes older images of a program. Images that a container uses
// are refused by the engine, which is as it should be; so is any other failure
// here, since all that is lost is disk.
func (e *engine) forgetOld(ctx context.Context, name string) {
	list, err := e.api.ImageList(ctx, client.ImageListOptions{
		Filters: make(client.Filters).Add("label", LabelImage+"="+name),
	})
	if err != nil {
		return
	}
	for _, old := range tooMany(list.Items, time.Now()) {
		_, _ = e.api.ImageRemove(ctx, old, client.ImageRemoveOptions{})
	}
}

// tooMany lists, by tag or by id where there is no tag, the images beyond the
// newest few that are old enough to go.
func tooMany(images []image.Summary, now time.Time) []string {
	slices.SortFunc(images, func(a, b image.Summary) int { return int(b.Created - a.Created) })
	var out []string
	for i, img := range images {
		if i < keepImages || now.Sub(time.Unix(img.Created, 0)) < keepFor {
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
