package node

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
)

// Main is the mcpd command: it runs a node until SIGTERM or SIGINT. The result is the
// process's exit status: 0 after a graceful stop, 1 for a failure, 64 for wrong usage.
func Main(args []string, stderr io.Writer) int {
	cfg, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(stderr, "mcpd:", err)
		return 64
	}
	log := slog.New(slog.NewJSONHandler(stderr, nil)).With("node", cfg.Name)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err = Run(ctx, cfg, log, stderr)
	if next := new(restartError); errors.As(err, next) {
		log.Warn(next.Error())
		err = reexec()
	}
	if err != nil {
		log.Error("node failed", "error", err)
		return 1
	}
	return 0
}

// reexec replaces the program of this process by itself, so that the next life
// of the node begins with nothing of this one but its data. To whoever started
// the process it never ended.
func reexec() error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("begin anew: %w", err)
	}
	return fmt.Errorf("begin anew: %w", syscall.Exec(self, os.Args, os.Environ()))
}

const usage = `mcpd is a node of the mission-critical platform: a replicated ledger over
regions, with its own health checks, arbitration and traffic control.

All nodes are given the same --peers and --weights. For example, three on one machine:

  printf '127.0.2.1 east-1\n127.0.2.2 north-1\n127.0.2.3 south-1\n' >hosts
  head -c 30 /dev/urandom | base64 >secret
  export MCP_SECRET=$(cat secret)
  mcpd --name east-1  --host 127.0.2.1 --data data/east-1  --hosts hosts &
  mcpd --name north-1 --host 127.0.2.2 --data data/north-1 --hosts hosts &
  mcpd --name south-1 --host 127.0.2.3 --data data/south-1 --hosts hosts &
  curl -s 127.0.2.1:7490/healthz

Every node listens on its --host, over TLS 1.3: %d gRPC, %d consensus, %d DNS
(gateways alone; SRV of "%s"), %d HTTPS (/events, /status, /metrics, /traces),
and where it carries the bus %d NATS and %d its routes. Each asks for a
certificate or a token. On loopback alone, in the clear: %d HTTP (/healthz, /metrics).

The platform's secret, from which nodes make their certificates, is taken from
the environment, MCP_SECRET, or from --secret-file.

`

func parse(args []string, stderr io.Writer) (Config, error) {
	var c Config
	var peers, weights, profile, defects, secretFile, tokens string
	f := flag.NewFlagSet("mcpd", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Usage = func() {
		fmt.Fprintf(stderr, usage, nodespec.APIPort, nodespec.RaftPort, nodespec.DNSPort, nodespec.DNSZone, nodespec.EventsPort, nodespec.BusPort, nodespec.RoutePort, nodespec.LocalPort)
		f.PrintDefaults()
	}
	f.StringVar(&c.Name, "name", "", "this node's name, which is also its host name for its peers")
	f.StringVar(&c.Host, "host", "", "IP address to bind")
	f.StringVar(&secretFile, "secret-file", "", "file with the platform's secret; empty means the environment variable "+nodespec.SecretEnv)
	f.StringVar(&c.Data, "data", "", "folder for the log and snapshots")
	f.StringVar(&tokens, "tokens", "", "timings of tokens instead of the profile's: LIFE/REFRESH/ROTATION, for example 60s/10s/5m")
	f.StringVar(&c.Hosts, "hosts", "", "hosts(5) file to consult before the system's resolver")
	f.StringVar(&peers, "peers", "east-1/east,north-1/north,south-1/south", "every node with its region, and its roles unless it has all: NAME/REGION/ROLE+ROLE")
	f.StringVar(&weights, "weights", "east=70,north=20,south=10", "traffic share of each region; the first in weight is the main region")
	f.StringVar(&profile, "profile", nodespec.AdaptiveProfile, "timings: "+strings.Join(nodespec.Profiles(), ", "))
	f.StringVar(&defects, "defect", "", "switch a defect on, for testing tests: "+strings.Join(nodespec.Defects(), ", "))
	f.Float64Var(&c.TraceRatio, "trace-ratio", 0.05, "share of requests that are traced; OTEL_EXPORTER_OTLP_ENDPOINT names a collector")
	f.StringVar(&c.AlertWebhook, "alert-webhook", "", "URL that alerts are posted to as JSON, beside the log")
	f.BoolVar(&c.Join, "join", false, "begin with an empty log and wait to be added (Admin.Add), instead of beginning a platform with --peers")
	f.StringVar(&c.Snapshots, "snapshots", "", "URL of the object store for snapshots, such as file:///var/backup or s3://bucket?region=eu-central-1")
	f.DurationVar(&c.SnapshotEvery, "snapshot-every", 5*time.Second, "how often a snapshot is stored")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if f.NArg() > 0 {
		return c, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	for name, v := range map[string]string{"name": c.Name, "host": c.Host, "data": c.Data} {
		if v == "" {
			return c, fmt.Errorf("--%s is missing", name)
		}
	}
	secret, err := readSecret(secretFile)
	if err != nil {
		return c, err
	}
	c.Secret = secret
	var ok bool
	if c.Profile, ok = Profiles()[profile]; !ok {
		return c, fmt.Errorf("no profile %q: known are %s", profile, strings.Join(nodespec.Profiles(), ", "))
	}
	if tokens != "" {
		if c.Profile.Tokens, err = parseTokens(tokens, c.Profile.Tokens); err != nil {
			return c, err
		}
	}
	c.Peers = map[string]Peer{}
	for p := range strings.SplitSeq(peers, ",") {
		n, peer, err := parsePeer(p)
		if err != nil {
			return c, err
		}
		c.Peers[n] = peer
	}
	c.Weights = map[string]int{}
	for w := range strings.SplitSeq(weights, ",") {
		r, v, _ := strings.Cut(w, "=")
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > 1000 {
			return c, fmt.Errorf("--weights: %q is not REGION=0…1000", w)
		}
		c.Weights[r] = n
	}
	if defects != "" {
		c.Defects = strings.Split(defects, ",")
	}
	c.Region = c.Peers[c.Name].Region
	return c, c.validate()
}
