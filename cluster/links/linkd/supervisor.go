package linkd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/probe"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

// Backend runs the proxies: as a child process that can be killed when it
// hangs, or within this process.
type Backend interface {
	// Start returns once the proxies' API answers.
	Start(ctx context.Context) error
	// Stop ends them whatever they are doing. On stopped ones it does nothing.
	Stop() error
	// Healthy returns nil while they run.
	Healthy() error
}

// Supervisor is a pod's linkd: proxies that can be replaced, probes, an echo.
type Supervisor struct {
	Control net.Listener // control API
	Echo    net.Listener // echo server
	Proxies Backend
	// Credential is what every request to the control API must carry.
	Credential string
	// Ingress is the addresses inside the pod to which CONNECT leads, besides
	// that of the echo server. To any other it is refused.
	Ingress []string

	mu sync.Mutex
}

// Run serves until ctx ends and takes the proxies with it.
func (s *Supervisor) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if err := s.start(ctx); err != nil {
		_ = s.Control.Close()
		_ = s.Echo.Close()
		return err
	}
	tunnels := tunnel{credential: s.Credential, allowed: append(slices.Clone(s.Ingress), s.Echo.Addr().String())}
	api := RequireCredential(s.Credential, s.handler())
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect {
			tunnels.connect(ctx, w, r)
			return
		}
		api.ServeHTTP(w, r)
	}), BaseContext: func(net.Listener) context.Context { return ctx }}
	ends := make(chan error, 2)
	go func() { ends <- srv.Serve(s.Control) }()
	go func() { ends <- ServeEcho(ctx, s.Echo) }()
	var err error
	waiting := 2
	select {
	case <-ctx.Done():
	case err = <-ends: // a listener broke
		waiting--
	}
	cancel()
	_ = srv.Close()
	for range waiting {
		<-ends
	}
	tunnels.open.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(err, s.Proxies.Stop())
}

func (s *Supervisor) start(ctx context.Context) error {
	if s.Credential == "" {
		return errNoCredential
	}
	if err := s.Proxies.Start(ctx); err != nil {
		return fmt.Errorf("start proxies: %w", err)
	}
	return nil
}

func (s *Supervisor) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+wire.Healthz, func(w http.ResponseWriter, r *http.Request) {
		if err := s.Proxies.Healthy(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("POST "+wire.Restart, func(w http.ResponseWriter, r *http.Request) {
		if err := s.restart(r.Context()); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})
	mux.HandleFunc("GET "+wire.Probe, func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		d, err := time.ParseDuration(q.Get("timeout"))
		if err != nil || d <= 0 {
			d = time.Second
		}
		n, _ := strconv.Atoi(q.Get("bytes")) // absent is one byte
		mode := q.Get("mode")
		if mode != wire.Connect && mode != wire.Echo && mode != wire.Close && mode != "" {
			http.Error(w, "mode "+mode+": want echo, connect or close", http.StatusBadRequest)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), d)
		defer cancel()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(probe.Run(ctx, q.Get("addr"), mode, n))
	})
	return mux
}

func (s *Supervisor) restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.Proxies.Stop(); err != nil {
		return fmt.Errorf("stop proxies: %w", err)
	}
	if ctx.Err() != nil {
		// The caller is gone, but links without proxies would carry nothing.
		ctx = context.WithoutCancel(ctx)
	}
	if err := s.Proxies.Start(ctx); err != nil {
		return fmt.Errorf("start proxies: %w", err)
	}
	return nil
}
