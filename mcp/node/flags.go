package node

import (
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/nodespec"
	"github.com/mcp-resilience/holdfast/mcp/identity"
	"github.com/mcp-resilience/holdfast/mcp/pki"
)

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
(gateways only; SRV of "%s"), %d HTTPS (/events, /status, /metrics, /traces),
and if it carries the bus %d NATS and %d NATS routes. Each asks for a
certificate or a token. On loopback only, in the clear: %d HTTP (/healthz, /metrics).

Nodes make their certificates from the platform's secret. It is read from the
environment variable MCP_SECRET, or from --secret-file.

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
	f.StringVar(&peers, "peers", "east-1/east,north-1/north,south-1/south", "every node as NAME/REGION, or as NAME/REGION/ROLE+ROLE if it does not have all roles")
	f.StringVar(&weights, "weights", "east=70,north=20,south=10", "traffic share of each region; the region with the highest is the main region")
	f.StringVar(&profile, "profile", nodespec.AdaptiveProfile, "timings: "+strings.Join(nodespec.Profiles(), ", "))
	f.StringVar(&defects, "defect", "", "faults to switch on, to check that tests notice them: "+strings.Join(nodespec.Defects(), ", "))
	f.Float64Var(&c.TraceRatio, "trace-ratio", 0.05, "share of requests that are traced; OTEL_EXPORTER_OTLP_ENDPOINT names a collector")
	f.StringVar(&c.AlertWebhook, "alert-webhook", "", "URL that alerts are posted to as JSON, in addition to the log")
	f.BoolVar(&c.Join, "join", false, "start with an empty log and wait to be added (Admin.Add), instead of starting a new platform with --peers")
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

// readSecret reads the platform's secret from a file or, without one, from the environment.
func readSecret(file string) (string, error) {
	secret, from := os.Getenv(nodespec.SecretEnv), nodespec.SecretEnv
	if file != "" {
		b, err := os.ReadFile(file)
		if err != nil {
			return "", fmt.Errorf("read the platform's secret: %w", err)
		}
		secret, from = string(b), file
	}
	secret = strings.TrimSpace(secret)
	if secret == "" {
		return "", fmt.Errorf("no secret: put the platform's secret, the same for every node, into the environment variable %s or into the file named by --secret-file", nodespec.SecretEnv)
	}
	if len(secret) < pki.MinSecretLength {
		return "", fmt.Errorf("the secret in %s has %d characters: use at least %d random ones", from, len(secret), pki.MinSecretLength)
	}
	return secret, nil
}

// parseTokens reads LIFE/REFRESH/ROTATION. A session lasts at least 60 times the life of a token.
func parseTokens(s string, t identity.Timing) (identity.Timing, error) {
	parts := strings.Split(s, "/")
	if len(parts) != 3 {
		return t, fmt.Errorf("--tokens: %q is not LIFE/REFRESH/ROTATION", s)
	}
	for i, to := range []*time.Duration{&t.TokenLifetime, &t.RefreshAfter, &t.KeyRotation} {
		d, err := time.ParseDuration(parts[i])
		if err != nil || d < time.Second {
			return t, fmt.Errorf("--tokens: %q is not a duration of a second or more", parts[i])
		}
		*to = d
	}
	if t.RefreshAfter >= t.TokenLifetime {
		return t, fmt.Errorf("--tokens: a token that is valid for %v must be refreshed before that, not after %v", t.TokenLifetime, t.RefreshAfter)
	}
	t.SessionLifetime = max(t.SessionLifetime, 60*t.TokenLifetime)
	return t, nil
}

// parsePeer reads NAME/REGION, a node with every role, or NAME/REGION/ROLE+ROLE, or with a
// standby level NAME/REGION/ROLE+ROLE/LEVEL.
func parsePeer(s string) (name string, p Peer, err error) {
	name, rest, _ := strings.Cut(s, "/")
	region, rest, some := strings.Cut(rest, "/")
	roles, level, stands := strings.Cut(rest, "/")
	if name == "" || region == "" {
		return "", p, fmt.Errorf("--peers: %q is not NAME/REGION or NAME/REGION/ROLE+ROLE", s)
	}
	p = Peer{Region: region, Roles: nodespec.Roles()}
	if !some {
		return name, p, nil
	}
	p.Roles = nil
	for r := range strings.SplitSeq(roles, "+") {
		if !slices.Contains(nodespec.Roles(), nodespec.Role(r)) {
			return "", p, fmt.Errorf("--peers: %s has no role %q: known are %s", name, r, joinRoles(nodespec.Roles()))
		}
		p.Roles = append(p.Roles, nodespec.Role(r))
	}
	if p.Standby = nodespec.Standby(level); stands && p.Standby != nodespec.Warm && p.Standby != nodespec.Cold {
		return "", p, fmt.Errorf("--peers: %s has no standby level %q: known are %s, %s", name, level, nodespec.Warm, nodespec.Cold)
	}
	return name, p, nil
}
