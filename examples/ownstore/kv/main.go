// Command kv is somebody's small database: registers and sets, replicated by
// CASPaxos to as many nodes as it has peers, over net/rpc. It knows nothing of
// holdfast. It keeps what survives the death of a process, not of a machine
// (no fsync), and compacts nothing.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"net"
	"net/rpc"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Port is what every node listens on.
const Port = "7600"

// peerTimeout is how long a node waits for a peer. It is not waited for while a
// majority answers, nor for a peer that is dead, only for one that is silent.
const peerTimeout = time.Second

func main() {
	name := flag.String("name", "", "of this node, by which its peers dial it")
	host := flag.String("host", "", "address to listen on")
	data := flag.String("data", "", "folder to keep things in")
	peers := flag.String("peers", "", "names of all nodes, this one too, separated by commas")
	hosts := flag.String("hosts", "", "hosts(5) file to look names up in first")
	alone := flag.Bool("alone", false, "defect: acknowledge without asking the others")
	flag.Parse()
	s := &Store{name: *name, alone: *alone, cells: map[string]Cell{}, busy: map[string]*sync.Mutex{}}
	if err := s.open(filepath.Join(*data, "log")); err != nil {
		log.Fatalf("open %s: %v", *data, err)
	}
	for p := range strings.SplitSeq(*peers, ",") {
		if p != *name {
			s.peers = append(s.peers, &peer{addr: net.JoinHostPort(lookup(*hosts, p), Port)})
		}
	}
	if err := rpc.RegisterName("Store", s); err != nil {
		log.Fatal(err)
	}
	l, err := net.Listen("tcp", net.JoinHostPort(*host, Port))
	if err != nil {
		log.Fatal(err)
	}
	rpc.Accept(l)
}

// lookup finds a name in the hosts file, else leaves it to the system.
func lookup(hosts, name string) string {
	b, _ := os.ReadFile(hosts) // none is fine
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && slices.Contains(f[1:], name) {
			return f[0]
		}
	}
	return name
}

// Ballot orders attempts to change a cell; no two attempts share one.
type Ballot struct {
	N    int64
	Node string
}

func (b Ballot) before(o Ballot) bool { return b.N < o.N || b.N == o.N && b.Node < o.Node }

// Cell is what a node has promised and accepted for a key.
type Cell struct {
	Key                string
	Promised, Accepted Ballot
	Values             []string
}

// Store is one node.
type Store struct {
	name  string
	alone bool
	peers []*peer

	mu    sync.Mutex
	cells map[string]Cell
	busy  map[string]*sync.Mutex // one attempt at a time for each key
	log   *os.File
	last  int64
}

func (s *Store) open(file string) (err error) {
	if s.log, err = os.OpenFile(file, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o644); err != nil {
		return err
	}
	for lines := bufio.NewReader(s.log); ; {
		line, err := lines.ReadBytes('\n')
		if err != nil { // the end; half a line was never promised to anybody
			return nil
		}
		var c Cell
		if json.Unmarshal(line, &c) == nil {
			s.cells[c.Key] = c
		}
	}
}

// Ask is a question to every node: to promise a ballot, or to accept values under it.
type Ask struct {
	Key    string
	Ballot Ballot
	Accept bool
	Values []string
}

// Vote is a node's answer.
type Vote struct {
	Granted bool
	Cell    Cell
}

// Vote promises or accepts, unless it has promised a later ballot, and writes that down first.
func (s *Store) Vote(a Ask, v *Vote) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cells[a.Key]
	if v.Cell = c; a.Ballot.before(c.Promised) {
		return nil
	}
	c.Key, c.Promised = a.Key, a.Ballot
	if a.Accept {
		c.Accepted, c.Values = a.Ballot, a.Values
	}
	line, err := json.Marshal(c)
	if err == nil {
		_, err = s.log.Write(append([]byte("\n"), append(line, '\n')...)) // after half a line too
	}
	if err == nil {
		s.cells[a.Key] = c
		v.Granted, v.Cell = true, c
	}
	return err
}

// poll asks every node and returns the votes of a majority, or what there is without one.
func (s *Store) poll(a Ask) (granted []Cell, majority bool) {
	votes := make(chan Vote, len(s.peers)+1)
	var own Vote
	if s.Vote(a, &own) != nil {
		own.Granted = false
	}
	if s.alone {
		return []Cell{own.Cell}, own.Granted
	}
	votes <- own
	for _, p := range s.peers {
		go func() {
			var v Vote
			if p.call("Store.Vote", a, &v) != nil {
				votes <- Vote{} // no answer is no vote; a late one may still come into v
				return
			}
			votes <- v
		}()
	}
	need := (len(s.peers)+1)/2 + 1
	for range len(s.peers) + 1 {
		if v := <-votes; v.Granted {
			if granted = append(granted, v.Cell); len(granted) == need {
				return granted, true
			}
		}
	}
	return granted, false
}

// Request is what a client asks: read, write, cas, add or members.
type Request struct{ Op, Key, Value, Expect string }

// Reply is the content of the cell afterwards.
type Reply struct {
	Values  []string
	Swapped bool
}

// Ping answers.
func (s *Store) Ping(Request, *Reply) error { return nil }

// Do carries out one request. An error that begins with "refused" means that
// nothing happened; after any other the change may still appear.
func (s *Store) Do(q Request, r *Reply) error {
	s.mu.Lock()
	if s.busy[q.Key] == nil {
		s.busy[q.Key] = new(sync.Mutex)
	}
	turn := s.busy[q.Key]
	s.mu.Unlock()
	turn.Lock()
	defer turn.Unlock()
	for range 5 {
		ballot := s.ballot()
		promised, ok := s.poll(Ask{Key: q.Key, Ballot: ballot})
		if !ok {
			time.Sleep(rand.N(20 * time.Millisecond)) // somebody else is at it, or nobody is there
			continue
		}
		latest := slices.MaxFunc(promised, func(a, b Cell) int {
			if a.Accepted.before(b.Accepted) {
				return -1
			}
			return 1
		})
		if err := q.apply(latest.Values, r); err != nil {
			return err
		}
		if _, ok := s.poll(Ask{Key: q.Key, Ballot: ballot, Accept: true, Values: r.Values}); !ok {
			return errors.New("in doubt: no majority accepted")
		}
		return nil
	}
	return errors.New("refused: no majority promised")
}

// ballot is later than all before it here, also those of an earlier life.
func (s *Store) ballot() Ballot {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last+1, time.Now().UnixNano())
	return Ballot{s.last, s.name}
}

func (q Request) apply(now []string, r *Reply) error {
	r.Values = now
	switch q.Op {
	case "read", "members": // accepting what is there settles it
	case "write":
		r.Values = []string{q.Value}
	case "cas":
		if r.Swapped = strings.Join(now, "") == q.Expect; r.Swapped {
			r.Values = []string{q.Value}
		}
	case "add":
		if !slices.Contains(now, q.Value) {
			r.Values = append(slices.Clone(now), q.Value)
		}
	default:
		return fmt.Errorf("refused: no operation %q", q.Op)
	}
	return nil
}

// peer is a connection to another node, made when it is needed.
type peer struct {
	addr string
	mu   sync.Mutex
	c    *rpc.Client
}

func (p *peer) call(method string, args, reply any) error {
	p.mu.Lock()
	if p.c == nil {
		conn, err := net.DialTimeout("tcp", p.addr, peerTimeout)
		if err != nil {
			p.mu.Unlock()
			return err
		}
		p.c = rpc.NewClient(conn)
	}
	c := p.c
	p.mu.Unlock()
	select {
	case done := <-c.Go(method, args, reply, make(chan *rpc.Call, 1)).Done:
		if _, said := errors.AsType[rpc.ServerError](done.Error); done.Error == nil || said {
			return done.Error
		}
	case <-time.After(peerTimeout):
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.c == c { // a connection that failed is not used again
		_ = c.Close()
		p.c = nil
	}
	return errors.New("no answer from " + p.addr)
}
