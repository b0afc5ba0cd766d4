package docker

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/image"
	"github.com/moby/moby/client"
)

// fakeEngine serves the part of the Docker API that pruning uses. It hands out
// images by label as an engine does.
type fakeEngine struct {
	images     []image.Summary
	containers []container.Summary
	refuses    string // the image that cannot be removed
	removed    []string
}

func (f *fakeEngine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, call, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/") // after the version
	switch {
	case call == "images/json":
		var filters struct{ Label map[string]bool }
		_ = json.Unmarshal([]byte(r.URL.Query().Get("filters")), &filters)
		labelled := []image.Summary{}
		for _, img := range f.images {
			if _, ok := img.Labels[LabelImage]; ok || !filters.Label[LabelImage] {
				labelled = append(labelled, img)
			}
		}
		_ = json.NewEncoder(w).Encode(labelled)
	case call == "containers/json":
		_ = json.NewEncoder(w).Encode(f.containers)
	case r.Method == http.MethodDelete && path.Base(call) != f.refuses:
		f.removed = append(f.removed, strings.TrimPrefix(call, "images/"))
		_, _ = w.Write([]byte("[]"))
	default:
		http.Error(w, `{"message":"conflict"}`, http.StatusConflict)
	}
}

func TestPruneRemovesOnlyUnusedImagesOfOurs(t *testing.T) {
	old := time.Now().Add(-2 * time.Hour).Unix()
	ours := map[string]string{LabelImage: "x"}
	fake := &fakeEngine{refuses: "x:refused"}
	for i, tag := range []string{"new1", "new2", "new3", "old", "used", "refused"} {
		fake.images = append(fake.images, image.Summary{ID: "sha256:" + tag, Created: old - int64(i), Labels: ours, RepoTags: []string{"holdfast/x:" + tag}})
	}
	fake.images = append(fake.images, image.Summary{ID: "sha256:theirs", Created: old - 100, RepoTags: []string{"holdfast/x:theirs"}})
	fake.containers = []container.Summary{{ID: "c", ImageID: "sha256:used"}}
	server := httptest.NewServer(fake)
	defer server.Close()
	api, err := client.New(client.WithHost("tcp://"+server.Listener.Addr().String()), client.WithAPIVersion("1.44"))
	if err != nil {
		t.Fatal(err)
	}
	e := &engine{api: api}
	defer e.close()

	surplus, err := e.surplus(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"holdfast/x:old", "holdfast/x:refused"}, surplus); diff != "" {
		t.Errorf("surplus (-want +got):\n%s", diff)
	}
	removed, err := e.pruneImages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"holdfast/x:old"}, removed); diff != "" {
		t.Errorf("reported as removed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"holdfast/x:old"}, fake.removed); diff != "" {
		t.Errorf("removed (-want +got):\n%s", diff)
	}
}
