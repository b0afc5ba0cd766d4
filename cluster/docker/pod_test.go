package docker_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/cluster"
	"github.com/mcp-resilience/holdfast/cluster/links"
	"github.com/mcp-resilience/holdfast/topology"
)

// observation is what a witness answers; see testdata/witness.
type observation struct {
	Hostname   string
	Args       []string
	Own        []string
	Peers      map[string][]string
	Status     map[string]string
	Root, Data string
	Config     string
	Rewrite    string
	Lives      int
}

// ask sends a witness a request as a client of east, through linkd's CONNECT tunnel.
func ask(t *testing.T, s links.Server, path string) (observation, error) {
	t.Helper()
	conn, err := s.Ingress["east"]["http"].Connect(t.Context())
	if err != nil {
		return observation{}, err
	}
	defer conn.Close()
	if _, err := fmt.Fprintf(conn, "GET %s HTTP/1.0\r\n\r\n", path); err != nil {
		return observation{}, err
	}
	_, body, err := readResponse(conn)
	if err != nil {
		return observation{}, err
	}
	var got observation
	return got, json.Unmarshal(body, &got)
}

func readResponse(conn io.Reader) (head string, body []byte, err error) {
	all, err := io.ReadAll(conn)
	if err != nil {
		return "", nil, err
	}
	head, b, ok := strings.Cut(string(all), "\r\n\r\n")
	if !ok {
		return "", nil, fmt.Errorf("no answer: %q", all)
	}
	return head, []byte(b), nil
}

func TestWhatANodeSees(t *testing.T) {
	needEngine(t)
	top := pair()
	r, _ := open(t, top)
	servers, _ := started(t, r, top)
	var got observation
	eventually(t, "ask east-1 what it sees", func() (err error) {
		got, err = ask(t, servers[0], "/observation")
		return err
	})
	want := observation{
		Hostname: "east-1", Args: []string{servers[0].Host + ":7400", "east-1", "east"},
		Own: []string{servers[0].Host}, Peers: map[string][]string{"north-1": {"127.0.1.2"}},
		Root: "open /written: read-only file system", Lives: 1,
		Status: map[string]string{"CapEff": none, "CapPrm": none, "CapBnd": none, "CapInh": none, "NoNewPrivs": "1"},
	}
	for k := range got.Status {
		if want.Status[k] == "" {
			delete(got.Status, k)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[topology.NodeID]string{"north-1": "127.0.1.2"}, servers[0].Peers); diff != "" {
		t.Errorf("peers (-want +got):\n%s", diff)
	}
	for _, addr := range []string{servers[0].Control, servers[0].Admin} {
		if !strings.HasPrefix(addr, "127.0.0.1:") {
			t.Errorf("linkd is published on %s, want 127.0.0.1", addr)
		}
	}
	defer http.DefaultClient.CloseIdleConnections()
	for credential, want := range map[string]int{servers[1].Credential: http.StatusOK, servers[0].Credential: http.StatusUnauthorized} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+servers[1].Admin+"/version", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+credential)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != want {
			t.Errorf("Toxiproxy's API answers %s, want %d", resp.Status, want)
		}
	}
	v := r.Versions()
	if len(v) != 3 || v["docker"] == "" {
		t.Errorf("versions %v, want those of the engine and of two images", v)
	}
}

const none = "0000000000000000"

func TestANodeThatIsKilledKeepsAddressDataAndLogs(t *testing.T) {
	needEngine(t)
	top := pair()
	r, _ := open(t, top)
	servers, procs := started(t, r, top)
	p := procs[0]
	for life, end := range []cluster.Signal{cluster.Kill, cluster.Terminate, cluster.Kill} {
		eventually(t, "ask east-1 how often it started", func() error {
			got, err := ask(t, servers[0], "/observation")
			if err == nil && got.Lives != life+1 {
				t.Fatalf("it remembers %d lives, want %d", got.Lives, life+1)
			}
			return err
		})
		if err := p.Restart(t.Context()); err == nil {
			t.Fatal("a running node was started again")
		}
		if end == cluster.Kill { // paused or not
			if err := p.Signal(t.Context(), cluster.Pause); err != nil {
				t.Fatal(err)
			}
			wantCondition(t, p, cluster.Paused)
			if life == 0 {
				if err := p.Signal(t.Context(), cluster.Resume); err != nil {
					t.Fatal(err)
				}
				wantCondition(t, p, cluster.Running)
			}
		}
		if err := p.Signal(t.Context(), end); err != nil {
			t.Fatal(err)
		}
		wantCondition(t, p, cluster.Exited)
		if err := p.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "read the logs of four lives", func() error {
		logs, err := p.Logs(t.Context())
		if err != nil {
			return err
		}
		defer logs.Close()
		b, err := io.ReadAll(logs)
		if err == nil && (strings.Count(string(b), "life") != 8 || !strings.Contains(string(b), "life 4 complains\n")) {
			err = fmt.Errorf("got %q", b)
		}
		return err
	})
}

func wantCondition(t *testing.T, p cluster.Process, want cluster.ProcessState) {
	t.Helper()
	eventually(t, "wait until it is "+string(want), func() error {
		s, err := p.Status(t.Context())
		if err == nil && s.State != want {
			err = fmt.Errorf("it is %s", s.State)
		}
		return err
	})
}

// The program of an image made by others runs as the user that it wants, with its files, and is as confined as any.
func TestAnImageMadeByOthers(t *testing.T) {
	needEngine(t)
	built, _ := open(t, pair())
	image := ""
	for name := range built.Versions() {
		if strings.HasPrefix(name, "image holdfast/witness:") {
			image = strings.TrimPrefix(name, "image ")
		}
	}
	if image == "" {
		t.Fatalf("versions %v, want the image of witness", built.Versions())
	}
	top := pair()
	for i := range top.Nodes {
		p := &top.Nodes[i].Program
		p.Package, p.Image = "", image
		p.Container = topology.Container{User: "4242:4242", Memory: 128 << 20, Tmpfs: []string{"/run"}}
		p.Files = map[string]string{"conf.d/own.txt": `{{.Name}} joins {{.Peer "north-1"}}`}
		p.Env["CONFIG"] = "{{.Config}}/conf.d/own.txt"
	}
	r, _ := open(t, top)
	servers, procs := started(t, r, top)
	sees := func(lives int) {
		t.Helper()
		eventually(t, "ask east-1 what it sees", func() error {
			got, err := ask(t, servers[0], "/observation")
			if err != nil {
				return err
			}
			if got.Data != "" || got.Rewrite != "" || got.Root == "" || got.Lives != lives || got.Config != "east-1 joins north-1" ||
				!strings.HasPrefix(got.Status["Uid"], "4242") || strings.Trim(got.Status["CapEff"], "0") != "" {
				t.Errorf("it sees %+v; want user 4242 without capabilities in life %d, who can write to data and files and not to the root", got, lives)
			}
			return nil
		})
	}
	sees(1)
	if err := procs[0].Signal(t.Context(), cluster.Kill); err != nil {
		t.Fatal(err)
	}
	wantCondition(t, procs[0], cluster.Exited)
	if err := procs[0].(cluster.Disk).Wipe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := procs[0].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	sees(1) // its files are not its data
}

func TestANodeThatOutgrowsItsMemoryIsKilledAndSaysSo(t *testing.T) {
	needEngine(t)
	top := pair()
	r, _ := open(t, top)
	servers, procs := started(t, r, top)
	eventually(t, "ask east-1", func() error { _, err := ask(t, servers[0], "/observation"); return err })
	_, _ = ask(t, servers[0], "/eat")
	wantCondition(t, procs[0], cluster.Exited)
	got, err := procs[0].Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !got.OOMKilled || got.ExitCode != -1 {
		t.Errorf("got %+v, want a kill for memory", got)
	}
}
