package protocoltest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Store is a store in one process that speaks HTTP, for tests of clients that do.
//
//	GET, PUT /kv/KEY           a register, as it is; 404 if it was never written
//	PUT /kv/KEY?expect=VALUE   412 if it holds another value
//	POST, GET /sets/KEY        adds the body; lists {"items": [...]}
//	POST, PUT, GET /lists/KEY  appends the body, replaces the list by it; lists {"items": [{"value": ...}]}
//	PUT, POST, GET /banks/KEY  opens {"accounts": [...], "amount": n}; moves {"from", "to", "amount"}; {"x": 6}
//	GET /healthz, /status
type Store struct {
	mu        sync.Mutex
	registers map[string]string
	lists     map[string][]string
	banks     map[string]map[string]int64
	// Requests counts those that write.
	Requests int
}

// NewStore makes an empty store.
func NewStore() *Store {
	return &Store{registers: map[string]string{}, lists: map[string][]string{}, banks: map[string]map[string]int64{}}
}

func (s *Store) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(r.Body)
	if err != nil { // a request that was cut off is not carried out
		return
	}
	body := string(raw)
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Method != http.MethodGet {
		s.Requests++
	}
	kind, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch kind {
	case "healthz":
		w.WriteHeader(http.StatusNoContent)
	case "status":
		fmt.Fprintln(w, `{"role": {"name": "leader"}}`)
	case "kv":
		s.register(w, r, key, body)
	case "sets", "lists":
		s.list(w, r, kind, kind+key, body)
	case "banks":
		s.bank(w, r, key, body)
	default:
		code, err := strconv.Atoi(kind) // such as /503, a status to order
		if err != nil {
			code = http.StatusNotFound
		}
		if code/100 == 3 {
			w.Header().Set("Location", "/kv/"+key)
		}
		w.WriteHeader(code)
	}
}

func (s *Store) register(w http.ResponseWriter, r *http.Request, key, body string) {
	now, found := s.registers[key]
	switch {
	case r.Method == http.MethodGet && !found:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		fmt.Fprint(w, now)
	case r.URL.Query().Has("expect") && r.URL.Query().Get("expect") != now:
		w.WriteHeader(http.StatusPreconditionFailed)
	default:
		s.registers[key] = body
		w.WriteHeader(http.StatusNoContent)
	}
}

func (s *Store) list(w http.ResponseWriter, r *http.Request, kind, key, body string) {
	switch r.Method {
	case http.MethodGet:
		items := []any{}
		for _, v := range s.lists[key] {
			if kind == "lists" {
				items = append(items, map[string]string{"value": v})
			} else {
				items = append(items, v)
			}
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"items": items}) // a client that is gone
	case http.MethodPut:
		s.lists[key] = []string{body}
	default:
		if kind == "lists" || !slices.Contains(s.lists[key], body) {
			s.lists[key] = append(s.lists[key], body)
		}
	}
}

func (s *Store) bank(w http.ResponseWriter, r *http.Request, key, body string) {
	var ask struct {
		Accounts []string
		From, To string
		Amount   int64
	}
	if r.Method != http.MethodGet {
		if err := json.Unmarshal([]byte(body), &ask); err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
	}
	bank := s.banks[key]
	switch r.Method {
	case http.MethodGet:
		_ = json.NewEncoder(w).Encode(bank) // a client that is gone
	case http.MethodPut:
		if bank == nil {
			bank = map[string]int64{}
			for _, a := range ask.Accounts {
				bank[a] = ask.Amount
			}
			s.banks[key] = bank
		}
	default:
		done := bank[ask.From] >= ask.Amount
		if done {
			bank[ask.From] -= ask.Amount
			bank[ask.To] += ask.Amount
		}
		fmt.Fprintf(w, `{"done": %v}`, done)
	}
}
