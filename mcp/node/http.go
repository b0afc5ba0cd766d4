package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"google.golang.org/grpc/health/grpc_health_v1"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// serveHTTP serves events, status, traces and metrics over TLS to identified callers.
func (n *node) serveHTTP() (_ stopFunc, err error) {
	ln, err := net.Listen("tcp", n.cfg.listen(nodespec.EventsPort))
	if err != nil {
		return nil, fmt.Errorf("listen for HTTPS: %w", err)
	}
	done := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("GET /events", n.eventLog.Stream(done))
	mux.HandleFunc("GET /status", n.serveStatus)
	mux.HandleFunc("GET /traces", n.telemetry.Spans.Stream(done))
	mux.Handle("GET /metrics", n.telemetry.Metrics.Handler())
	stopServing := serve(tls.NewListener(ln, n.who.ServerConfig()), n.guard.HTTP(mux))
	return func() error {
		close(done)
		return stopServing()
	}, nil
}

// serveLocal serves the machine's own monitoring, in the clear. It listens on loopback
// only: on the node's address if that is a loopback one, else on 127.0.0.1.
func (n *node) serveLocal() (_ stopFunc, err error) {
	host := "127.0.0.1"
	if net.ParseIP(n.cfg.Host).IsLoopback() {
		host = n.cfg.Host
	}
	ln, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(nodespec.LocalPort)))
	if err != nil {
		return nil, fmt.Errorf("listen for local HTTP: %w", err)
	}
	n.local.HandleFunc("GET /healthz", n.serveHealth)
	n.local.Handle("GET /metrics", n.telemetry.Metrics.Handler())
	return serve(ln, n.local), nil
}

// serveHealth answers 200 if the node serves, 503 if not.
func (n *node) serveHealth(w http.ResponseWriter, r *http.Request) {
	h, err := n.health.Check(r.Context(), &grpc_health_v1.HealthCheckRequest{})
	if err != nil || h.Status != grpc_health_v1.HealthCheckResponse_SERVING {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	fmt.Fprintln(w, h.GetStatus())
}

// serve serves until stop is called, which closes the connections of slow readers after a
// second.
func serve(ln net.Listener, h http.Handler) (stop func() error) {
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	return func() error {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if srv.Shutdown(ctx) != nil {
			_ = srv.Close()
		}
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}
}
