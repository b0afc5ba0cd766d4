// Command witness is a node that answers with what its container looks like from
// inside, and that does on request what a container must survive or refuse.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
)

// Observation is what the program sees.
type Observation struct {
	Hostname string
	Args     []string
	Own      []string            // addresses of its own name
	Peers    map[string][]string // addresses of the names in PEERS
	Status   map[string]string   // of /proc/self/status
	Root     string              // error of writing to the root folder
	Data     string              // error of writing to the data folder
	Config   string              // content of the file CONFIG
	Rewrite  string              // error of writing to it
	Lives    int                 // starts that the data folder remembers
}

func main() {
	addr := os.Args[1]
	lives := os.Getenv("DATA") + "/lives"
	b, _ := os.ReadFile(lives)
	dataErr := os.WriteFile(lives, append(b, '.'), 0o600)
	fmt.Println("life", len(b)+1)
	fmt.Fprintln(os.Stderr, "life", len(b)+1, "complains")
	http.HandleFunc("/observation", func(w http.ResponseWriter, _ *http.Request) {
		s := Observation{Args: os.Args[1:], Peers: map[string][]string{}, Status: map[string]string{}, Lives: len(b) + 1}
		s.Hostname, _ = os.Hostname()
		s.Own, _ = net.LookupHost(s.Hostname)
		for _, p := range strings.Fields(os.Getenv("PEERS")) {
			s.Peers[p], _ = net.LookupHost(p)
		}
		status, _ := os.ReadFile("/proc/self/status")
		for _, l := range strings.Split(string(status), "\n") {
			k, v, _ := strings.Cut(l, ":")
			s.Status[k] = strings.TrimSpace(v)
		}
		s.Root = text(os.WriteFile("/written", nil, 0o600))
		s.Data = text(dataErr)
		if file := os.Getenv("CONFIG"); file != "" {
			content, _ := os.ReadFile(file)
			s.Config, s.Rewrite = string(content), text(os.WriteFile(file, content, 0o600))
		}
		_ = json.NewEncoder(w).Encode(s)
	})
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/eat", func(http.ResponseWriter, *http.Request) {
		var kept [][]byte
		for {
			b := make([]byte, 16<<20)
			for i := range b {
				b[i] = 1
			}
			kept = append(kept, b)
		}
	})
	fmt.Fprintln(os.Stderr, http.ListenAndServe(addr, nil))
	os.Exit(3)
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
