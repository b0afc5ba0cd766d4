package builtin

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/mcp-resilience/holdfast/cluster"
)

// Auto asks for the first runtime that works here.
const Auto = "auto"

// RuntimeUnavailable is the error of a runtime that cannot work here, and why.
type RuntimeUnavailable struct {
	Runtime string
	Why     error
}

func (e RuntimeUnavailable) Error() string {
	return fmt.Sprintf("runtime %s cannot be used here: %v", e.Runtime, e.Why)
}

func (e RuntimeUnavailable) Unwrap() error { return e.Why }

// Runtime returns the runtime of that name and why it is the one. For Auto, or
// no name, it is the first that works here, and the reason says what kept the
// others out. The error is NotFound or RuntimeUnavailable.
func Runtime(ctx context.Context, name string) (kind cluster.Driver, why string, err error) {
	return choose(ctx, name, Runtimes())
}

// Required reports whether a runtime that cannot be used is a failure and not a
// reason to skip a test: on CI (CI=true), or when HOLDFAST_REQUIRE_DOCKER=1.
func Required() bool {
	return os.Getenv("CI") == "true" || os.Getenv("HOLDFAST_REQUIRE_DOCKER") == "1"
}

func choose(ctx context.Context, name string, kinds []cluster.Driver) (cluster.Driver, string, error) {
	if name == "" || name == Auto {
		return first(ctx, kinds)
	}
	known := []string{Auto}
	for _, k := range kinds {
		if k.Name != name {
			known = append(known, k.Name)
			continue
		}
		if err := k.Check(ctx); err != nil {
			return cluster.Driver{}, "", RuntimeUnavailable{name, err}
		}
		return k, "asked for", nil
	}
	return cluster.Driver{}, "", NotFound{"runtime", name, known}
}

func first(ctx context.Context, kinds []cluster.Driver) (cluster.Driver, string, error) {
	var reasons []string
	for _, k := range kinds {
		err := k.Check(ctx)
		if err == nil {
			if len(reasons) == 0 {
				return k, "it works here and is the first choice", nil
			}
			return k, "because " + strings.Join(reasons, "; "), nil
		}
		reasons = append(reasons, fmt.Sprintf("%s cannot be used: %v", k.Name, err))
	}
	return cluster.Driver{}, "", RuntimeUnavailable{Auto, fmt.Errorf("%s", strings.Join(reasons, "; "))}
}
