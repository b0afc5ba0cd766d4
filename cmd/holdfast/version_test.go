package main

import (
	"runtime"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDescribeBuild(t *testing.T) {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	released := &debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}}
	checkout := &debug.BuildInfo{GoVersion: "go1.26.8", Settings: []debug.BuildSetting{
		{Key: "vcs.revision", Value: "c0ffee"}, {Key: "vcs.time", Value: "2026-11-22T03:00:00Z"}, {Key: "vcs.modified", Value: "true"},
	}}
	for name, tt := range map[string]struct {
		info *debug.BuildInfo
		want string
	}{
		"a release":      {released, "holdfast v1.2.3\nbuilt with go1.26.8 for " + platform},
		"a checkout":     {checkout, "holdfast (devel)\nrevision c0ffee of 2026-11-22T03:00:00Z, with changes that were not committed\nbuilt with go1.26.8 for " + platform},
		"nothing known ": {nil, "holdfast unknown\nbuilt with " + runtime.Version() + " for " + platform},
	} {
		if diff := cmp.Diff(tt.want, describeBuild(tt.info).String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
