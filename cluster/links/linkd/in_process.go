package linkd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
)

// InProcess is a Backend within this process: quick to start, but what hangs
// in it hangs for good.
type InProcess struct {
	Admin      string // address of the API
	Credential string // what every request to the API must carry

	mu      sync.Mutex
	proxies *Proxies
	server  *http.Server
	done    chan struct{}
}

// Start opens the API.
func (p *InProcess) Start(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.Credential == "" {
		return errNoCredential
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", p.Admin)
	if err != nil {
		return fmt.Errorf("admin API: %w", err)
	}
	p.proxies = NewProxies()
	p.server = &http.Server{Handler: RequireCredential(p.Credential, p.proxies.Handler())}
	p.done = make(chan struct{})
	go func(srv *http.Server, done chan struct{}) {
		defer close(done)
		_ = srv.Serve(ln) // ends by Close
	}(p.server, p.done)
	return nil
}

// Stop closes the API and every proxy.
func (p *InProcess) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return nil
	}
	err := errors.Join(p.server.Close(), p.proxies.Close())
	<-p.done
	p.server = nil
	return err
}

// Healthy reports whether it is started.
func (p *InProcess) Healthy() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server == nil {
		return errors.New("proxies are stopped")
	}
	return nil
}
