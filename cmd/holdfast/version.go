package main

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func (a *app) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version, the revision it was built from, and the Go version",
		Long: `Version prints what the Go toolchain wrote into this program: the module's
version, the revision of the source and whether it had changes that were not
committed, and the version of Go. Quote it when you report a problem.`,
		Example: "  holdfast version\n  holdfast version --json",
		Args:    wantArgs(0, 0, "no arguments"),
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo() // nil in a program built without modules
			b := describeBuild(info)
			if a.json {
				return printJSON(a.out, b)
			}
			_, err := fmt.Fprintln(a.out, b)
			return err
		},
	}
}

// buildInfo is what is known of how this program was built.
type buildInfo struct {
	Version  string `json:"version"`            // of the module, or "(devel)"
	Revision string `json:"revision,omitempty"` // of the source; empty where it was built outside a repository
	Time     string `json:"time,omitempty"`     // of the revision
	Modified bool   `json:"modified,omitempty"` // the source had changes that were not committed
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func describeBuild(info *debug.BuildInfo) buildInfo {
	b := buildInfo{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	if info == nil {
		return b
	}
	b.Version, b.Go = cmp.Or(info.Main.Version, "(devel)"), cmp.Or(info.GoVersion, b.Go)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (b buildInfo) String() string {
	s := "holdfast " + b.Version
	if b.Revision != "" {
		s += "\nrevision " + b.Revision
		if b.Time != "" {
			s += " of " + b.Time
		}
		if b.Modified {
			s += ", with changes that were not committed"
		}
	}
	return s + "\nbuilt with " + b.Go + " for " + b.Platform
}
