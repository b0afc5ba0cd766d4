// Command linkd carries the links of one pod. It has two modes: the supervisor,
// which is what a runtime starts, and the proxy, which the supervisor starts
// and replaces. Since it is the one program of ours that every container engine
// has, it also wipes the data folders of nodes, and opens folders to every user.
//
//	linkd -control HOST:PORT -admin HOST:PORT -echo HOST:PORT [-ingress HOST:PORT,...]
//	linkd proxy -admin HOST:PORT
//	linkd wipe FOLDER
//	linkd share FOLDER...
//
// Requests to the first two must carry the credential that these find in the
// environment variable LINKD_CREDENTIAL. Without one they do not start.
//
// The host "self" stands for the first address of this machine that is not a
// loopback one, for pods whose address is not known before they start.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/mcp-resilience/holdfast/cluster/links/linkd"
	"github.com/mcp-resilience/holdfast/cluster/links/wire"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	run := supervise
	args := os.Args[1:]
	if len(args) > 0 {
		switch args[0] {
		case "proxy":
			run, args = proxy, args[1:]
		case "wipe":
			run, args = wipe, args[1:]
		case "share":
			run, args = share, args[1:]
		}
	}
	if err := run(ctx, args); err != nil {
		slog.Error("linkd", "error", err)
		os.Exit(1)
	}
}

func supervise(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("linkd", flag.ExitOnError)
	control := flags.String("control", "127.0.0.1:7006", "`address` of the control API")
	admin := flags.String("admin", "127.0.0.1:7005", "`address` of the proxies' API")
	echo := flags.String("echo", "127.0.0.1:7007", "`address` of the echo server")
	ingress := flags.String("ingress", "", "`addresses` inside the pod, separated by commas, to which CONNECT on the control API leads")
	_ = flags.Parse(args) // exits
	secret, err := credential()
	if err != nil {
		return err
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	adminAddr, err := resolveSelf(*admin)
	if err != nil {
		return err
	}
	s := linkd.Supervisor{Credential: secret, Proxies: &linkd.Child{
		Admin: adminAddr, Dial: localAddress(adminAddr), Argv: []string{exe, "proxy", "-admin", adminAddr}, Log: os.Stderr,
	}}
	if *ingress != "" {
		s.Ingress = strings.Split(*ingress, ",")
	}
	if s.Control, err = listen(ctx, *control); err != nil {
		return fmt.Errorf("control API: %w", err)
	}
	if s.Echo, err = listen(ctx, *echo); err != nil {
		return fmt.Errorf("echo server: %w", err)
	}
	return s.Run(ctx)
}

func proxy(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("linkd proxy", flag.ExitOnError)
	admin := flags.String("admin", "127.0.0.1:7005", "`address` of the API")
	_ = flags.Parse(args) // exits
	secret, err := credential()
	if err != nil {
		return err
	}
	ln, err := listen(ctx, *admin)
	if err != nil {
		return fmt.Errorf("admin API: %w", err)
	}
	go func() {
		// Standard input ends with the supervisor. Nothing needs tidying.
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}()
	go func() {
		<-ctx.Done()
		os.Exit(0)
	}()
	return http.Serve(ln, linkd.RequireCredential(secret, linkd.NewProxies().Handler()))
}

// credential is what requests must carry.
func credential() (string, error) {
	c := os.Getenv(wire.CredentialEnv)
	if c == "" {
		return "", fmt.Errorf("the environment variable %s is empty: it must hold the credential that requests carry, for any user of this machine could command a linkd without one", wire.CredentialEnv)
	}
	return c, nil
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	addr, err := resolveSelf(addr)
	if err != nil {
		return nil, err
	}
	return new(net.ListenConfig).Listen(ctx, "tcp", addr)
}

// resolveSelf replaces the host "self".
func resolveSelf(addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil || host != "self" {
		return addr, err
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return "", err
	}
	for _, a := range all {
		if n, ok := a.(*net.IPNet); ok && n.IP.To4() != nil && n.IP.IsGlobalUnicast() {
			return net.JoinHostPort(n.IP.String(), port), nil
		}
	}
	return "", errors.New("self: this machine has no address but loopback")
}

// localAddress is how a process beside it reaches a listening address.
func localAddress(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		return net.JoinHostPort("127.0.0.1", port)
	}
	return addr
}
