package settings_test

import (
	"context"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"

	"github.com/mcp-resilience/holdfast/mcp/api"
	"github.com/mcp-resilience/holdfast/mcp/pki"
	"github.com/mcp-resilience/holdfast/mcp/settings"
	"github.com/mcp-resilience/holdfast/mcp/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// platform is several config servers without consensus: a change is applied to the state
// of each server that is not lagging.
type platform struct {
	t       *testing.T
	index   uint64
	servers map[string]*configServer
	pool    *api.Pool
}

// configServer is one config server with its own listener.
type configServer struct {
	*settings.Server
	state   *state.State
	lagging bool // changes do not reach it
	cut     atomic.Bool
	addr    string
	serving *grpc.Server
	done    chan struct{}
	gone    chan struct{}
}

func newPlatform(t *testing.T, names ...string) *platform {
	p := &platform{t: t, servers: map[string]*configServer{}}
	user := identity(t, "user", pki.Client)
	p.pool = api.NewPool(7400, func(ctx context.Context, network, addr string) (net.Conn, error) {
		name, _, err := net.SplitHostPort(addr)
		if err != nil {
			return nil, err
		}
		return new(net.Dialer).DialContext(ctx, network, p.servers[name].addr)
	}, api.Credentials{TLS: user.ClientConfig()})
	for _, name := range names {
		c := &configServer{state: state.New()}
		c.Server = &settings.Server{Name: name, Store: c, Router: p, IsConfigServer: true}
		p.servers[name] = c
		p.start(name)
	}
	t.Cleanup(func() {
		_ = p.pool.Close()
		for _, name := range names {
			p.kill(name)
		}
	})
	return p
}

func identity(t *testing.T, name string, kind pki.Kind) *pki.Identity {
	t.Helper()
	who, err := pki.NewIdentity("a secret for tests alone", name, kind)
	if err != nil {
		t.Fatal(err)
	}
	return who
}

// start starts a config server, on its former address if it had one.
func (p *platform) start(name string) {
	p.t.Helper()
	c := p.servers[name]
	addr := c.addr
	if addr == "" {
		addr = "127.0.0.1:0"
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	c.addr, c.done, c.gone, c.serving = ln.Addr().String(), make(chan struct{}), make(chan struct{}), grpc.NewServer(grpc.Creds(credentials.NewTLS(identity(p.t, name, pki.Node).ServerConfig())))
	c.Done = c.done
	api.RegisterSettingsServer(c.serving, c.Server)
	go func(s *grpc.Server, gone chan struct{}) {
		defer close(gone)
		_ = s.Serve(ln)
	}(c.serving, c.gone)
}

// kill ends a config server's connections and its listener.
func (p *platform) kill(name string) {
	c := p.servers[name]
	if c.serving == nil {
		return
	}
	close(c.done)
	c.serving.Stop()
	<-c.gone
	c.serving = nil
}

// put applies a change to all servers. An empty value deletes the setting.
func (p *platform) put(key, value string) uint64 {
	p.index++
	for _, c := range p.servers {
		if !c.lagging {
			c.state.Apply(p.index, 1, &api.Command{Do: &api.Command_SettingPut{SettingPut: &api.SettingPut{Key: key, Value: value, Delete: value == ""}}})
		}
	}
	return p.index
}

// Submit implements settings.Router.
func (p *platform) Submit(_ context.Context, c *api.Command) (*api.Applied, error) {
	put := c.GetSettingPut()
	if put.Key == "refuse" {
		return nil, api.Refuse(codes.Unavailable, "a", "", "no leader known")
	}
	value := put.Value
	if put.Delete {
		value = ""
	}
	return &api.Applied{Node: "leader", Term: 1, Index: p.put(put.Key, value)}, nil
}

// ReadIndex implements settings.Router.
func (p *platform) ReadIndex(context.Context) (*api.ReadIndexReply, error) {
	return &api.ReadIndexReply{Index: p.index, Term: 1}, nil
}

// Committed, WaitApplied, Term and Leader implement settings.Store.
func (c *configServer) Committed() *state.State { return c.state }

func (c *configServer) WaitApplied(ctx context.Context, index uint64) error {
	for {
		at, more := c.state.Applied()
		if at >= index {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (c *configServer) Term() uint64 { return 1 }

func (c *configServer) Leader() (string, <-chan struct{}) {
	if c.cut.Load() {
		return "", nil
	}
	return "leader", nil
}

// await polls until the condition holds, for at most 20 s.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited 20 s for %s", what)
		}
	}
}
