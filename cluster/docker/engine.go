package docker

import (
	"context"
	"fmt"
	"os"
	"sync"

	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
	tclog "github.com/testcontainers/testcontainers-go/log"
)

// engine is a connection to a container engine: testcontainers to make things,
// the Docker API for everything else.
type engine struct {
	provider *testcontainers.DockerProvider
	api      client.APIClient
}

// configureTestcontainers is called once, before testcontainers reads its environment.
// Unconfigured it prints the engine's particulars and every step, and starts Ryuk.
var configureTestcontainers = sync.OnceFunc(func() {
	tclog.SetDefault(tclog.NewNoopLogger())
	if os.Getenv("TESTCONTAINERS_RYUK_DISABLED") == "" {
		_ = os.Setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
	}
})

func connect(ctx context.Context) (*engine, error) {
	configureTestcontainers()
	// The provider looks for the engine without a deadline but takes what this found.
	probe, err := testcontainers.NewDockerClientWithOpts(ctx)
	if err != nil {
		return nil, err
	}
	_ = probe.Close()
	provider, err := testcontainers.NewDockerProvider(
		testcontainers.Generic2DockerOptions(testcontainers.WithLogger(tclog.NewNoopLogger()))...)
	if err != nil {
		return nil, fmt.Errorf("connect to the container engine: %w", err)
	}
	return &engine{provider: provider, api: provider.Client()}, nil
}

func (e *engine) close() { _ = e.api.Close() }
