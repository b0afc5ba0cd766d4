package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/targets/file"
	"github.com/mcp-resilience/holdfast/topology"
)

const small = `
services:
  db:
    command: [dbd, "--listen={{.Host}}", '--join={{.Peer "east-1"}}']
    ports: {client: 7000}
client: {protocol: redis}
`

func TestTopologyOfADefaultFile(t *testing.T) {
	target, err := file.Parse("shop.target.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	if target.Name() != "shop" {
		t.Errorf("name %q, want that of the file", target.Name())
	}
	top, err := target.Topology(topology.Spec{Nodes: 3})
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, n := range top.Nodes {
		ids = append(ids, string(n.ID))
	}
	want := "east-1 east-2 east-3 north-1 north-2 north-3 south-1 south-2 south-3"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("nodes %s, want %s", got, want)
	}
	first := top.Nodes[0]
	if diff := cmp.Diff(topology.Program{Command: "dbd", Args: []string{"--listen={{.Host}}", `--join={{.Peer "east-1"}}`}}, first.Program); diff != "" {
		t.Errorf("program (-want +got):\n%s", diff)
	}
	if !first.Voter || first.NoData {
		t.Errorf("%+v: the service that clients use holds the data and votes", first)
	}
	if got := top.OneWay("east", "south"); got.String() != "15ms" {
		t.Errorf("latency %v, want 15ms", got)
	}
}

func TestTopologyOfSeveralServices(t *testing.T) {
	target, err := file.Parse("t", []byte(`
name: cache
regions: [{name: eu, weight: 60}, {name: us, weight: 40}]
latency: 40ms
services:
  db: {image: "db:1", ports: {db: 7000}, memory: 512MB, user: "999", capabilities: [CHOWN]}
  watch: {in: [us], nodes: 2, image: "watch:1", ports: {w: 7001}}
client: {service: db, protocol: redis}
`))
	if err != nil {
		t.Fatal(err)
	}
	top, err := target.Topology(topology.Spec{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range top.Nodes {
		got = append(got, string(n.ID))
		if wantData := n.Service == "db"; n.NoData == wantData || n.Voter != wantData {
			t.Errorf("%s: no data %t, voter %t", n.ID, n.NoData, n.Voter)
		}
	}
	if diff := cmp.Diff([]string{"eu-db-1", "us-db-1", "us-watch-1", "us-watch-2"}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(topology.Container{User: "999", Capabilities: []string{"CHOWN"}, Memory: 512 << 20}, top.Nodes[0].Program.Container); diff != "" {
		t.Errorf("container (-want +got):\n%s", diff)
	}
	if got := top.OneWay("us", "eu"); got.String() != "40ms" {
		t.Errorf("latency %v, want 40ms", got)
	}
}

func TestTopologyRefusesWhatAFileCannotSay(t *testing.T) {
	target, err := file.Parse("shop.target.yaml", []byte(small))
	if err != nil {
		t.Fatal(err)
	}
	for name, spec := range map[string]topology.Spec{
		"layout": {Layout: "full"}, "profile": {Profile: "wan"}, "defects": {Defects: []string{"x"}},
	} {
		if _, err := target.Topology(spec); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v, want one that names it", name, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	replace := func(from, to string) string { return strings.Replace(small, from, to, 1) }
	for _, tt := range []struct{ name, text, want string }{
		{"an empty file", "", "x.target.yaml:"},
		{"nothing to run", "client: {protocol: redis}\n", "services: is missing"},
		{"an unknown field", replace("ports:", "prots:"), `x.target.yaml:5:5: services.db.prots: is no field here`},
		{"an unknown protocol", replace("protocol: redis", "protocol: reids"), `client.protocol: "reids" is none of`},
		{"no protocol", replace("protocol: redis", "service: db"), "client.protocol: is missing"},
		{"an unknown service", replace("protocol: redis", "protocol: redis, service: bd"), `client.service: "bd" is none of db; did you mean "db"?`},
		{"an unknown port", replace("protocol: redis", "protocol: redis, port: cleint"), `did you mean "client"?`},
		{"an unknown setting", replace("protocol: redis", "protocol: redis, with: {wiat: {replicas: 1}}"), `client.with.wiat: is no field here`},
		{"no command, image or package", replace(`    command: [dbd, "--listen={{.Host}}", '--join={{.Peer "east-1"}}']`+"\n", ""), "services.db: says not what runs"},
		{"an unknown variable", replace("{{.Host}}", "{{.Hots}}"), "can't evaluate field Hots"},
		{"a port that there is not", replace("7000", "70000"), "services.db.ports.client: 70000 is out of range: want 1 to 65535"},
		{"a region twice", "regions: [{name: a}, {name: a}]\n" + small, "regions[1].name: a is given twice"},
		{"a region that there is not", replace("    ports:", "    in: [eats]\n    ports:"), `services.db.in[0]: "eats" is none of the regions east, north, south; did you mean "east"?`},
		{"memory without a unit", replace("    ports:", "    memory: \"512\"\n    ports:"), "is no size: want a whole number with its unit"},
		{"a path that leaves the folder", replace("    ports:", "    files: {../x: y}\n    ports:"), `"../x" is no path in the folder`},
		{"a role that nobody knows", small + "roles: {ledaer: {query: ROLE, match: x}}\n", `"ledaer" is none of leader, follower; did you mean "leader"?`},
		{"a role without a question", small + "roles: {leader: {match: x}}\n", "roles.leader.query: is missing"},
		{"a pattern that does not parse", small + "roles: {leader: {query: ROLE, match: \"(\"}}\n", "is no regular expression"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := file.Parse("x.target.yaml", []byte(tt.text))
			var wrong yamlfile.Diagnostics
			if !errors.As(err, &wrong) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want diagnostics with %q", err, tt.want)
			}
		})
	}
}

// The files that come with the examples are read.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../examples/*/*" + file.Suffix)
	if err != nil || len(files) == 0 {
		t.Fatalf("no target files in examples: %v", err)
	}
	for _, path := range files {
		target, err := file.Load(path)
		if err != nil {
			t.Error(err)
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil || string(target.Source()) != string(text) {
			t.Errorf("%s: its source is not its text (%v)", path, err)
		}
		if top, err := target.Topology(topology.Spec{}); err != nil || len(top.Nodes) < 3 {
			t.Errorf("%s: %d nodes, %v", path, len(top.Nodes), err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(small))
	f.Add([]byte("services: {a: {command: [x], ports: {p: 1}}}\nclient: {protocol: http, with: {}}\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		target, err := file.Parse("x.target.yaml", data)
		if err != nil {
			return
		}
		if _, err := target.Topology(topology.Spec{}); err != nil {
			t.Errorf("a file without mistakes has no topology: %v", err)
		}
	})
}
