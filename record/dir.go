package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"github.com/mcp-resilience/holdfast/internal/durable"
	"github.com/mcp-resilience/holdfast/topology"
)

// Schema is the version of the run directory's layout, kept in run.json. A
// directory of a later schema is refused; earlier ones are read.
const Schema = 3

// The files of a run directory.
const (
	ScenarioFile = "scenario.yaml"     // as given
	TargetFile   = "target.yaml"       // as given, where the target was a file
	PlanFile     = "plan.json"         // the scenario with every choice resolved
	RunFile      = "run.json"          // which run it is, its phases and its faults
	EventsFile   = "events.jsonl"      // one event a line
	LinksFile    = "links.json"        // matrices before, during, after
	HistoryFile  = "history.jsonl.zst" // every operation
	VerdictFile  = "verdict.json"      // the Result
	NodesDir     = "nodes"             // NAME.log of each node
	WindowsDir   = "windows"           // a run directory for each window that was judged on its own
)

// NewID makes the id of a run: when it started, its scenario, and four random hexadecimal
// digits that distinguish runs that started in the same second.
func NewID(at time.Time, scenario string, random *rand.Rand) string {
	return fmt.Sprintf("%s-%s-%04x", at.UTC().Format("2006-01-02T15-04-05Z"), scenario, random.IntN(1<<16))
}

// Dir is the directory of a run that is being written. Its methods may be
// called concurrently. Every file is either appended to or replaced as a
// whole, so that a crash leaves a record that Load can read.
type Dir struct {
	Path string

	root      *os.Root     // of Path
	lock      *flock.Flock // held until Close
	replacing sync.Mutex   // one file at a time; an event does not wait for it
	mu        sync.Mutex
	events    *os.File // nil in a directory that was reopened
}

// Create makes the directory of a run under root, locks it and writes its
// run.json. It fails when the directory exists: a record is never overwritten.
func Create(root string, m Meta) (_ *Dir, err error) {
	if m.ID == "" || filepath.Base(m.ID) != m.ID {
		return nil, fmt.Errorf("create run directory: %q is not a run id", m.ID)
	}
	path := filepath.Join(root, m.ID)
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if err := os.Mkdir(filepath.Join(path, NodesDir), 0o755); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if err := durable.SyncFolder(root); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	d := &Dir{Path: path}
	if d.root, err = os.OpenRoot(path); err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if d.lock, err = lockDir(path, Executing); err != nil { // before run.json, by which others know a run
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.unlock(), d.root.Close())
		}
	}()
	d.events, err = os.OpenFile(filepath.Join(path, EventsFile), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("create run directory: %w", err)
	}
	if err := d.Run(&Run{Meta: m}); err != nil {
		return nil, errors.Join(err, d.events.Close())
	}
	return d, nil
}

// Reopen opens and locks an existing run directory to write files of it anew, as
// judging it again does. The error is an InUseError while another process executes
// the run or rewrites its files. A directory that holds symbolic links
// is refused before anything in it is written.
func Reopen(path string) (_ *Dir, err error) {
	root, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("reopen run directory: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	if _, err := root.Lstat(RunFile); err != nil {
		return nil, fmt.Errorf("reopen run directory: %w", err)
	}
	lock, err := lockDir(path, Rewriting)
	if err != nil {
		return nil, fmt.Errorf("reopen run directory: %w", err)
	}
	return &Dir{Path: path, root: root, lock: lock}, nil
}

// Scenario writes the scenario file as it was given.
func (d *Dir) Scenario(given []byte) error {
	return d.WriteFile(ScenarioFile, given)
}

// Plan writes the plan, anything that marshals to JSON.
func (d *Dir) Plan(plan any) error { return d.replaceJSON(PlanFile, plan) }

// Run writes run.json: the run's meta, phases and faults as they are now. Nobody may
// change r meanwhile.
func (d *Dir) Run(r *Run) error {
	stored := *r
	stored.Schema = Schema
	return d.replaceJSON(RunFile, &stored)
}

// Links writes the link matrices measured so far.
func (d *Dir) Links(ms []Matrix) error { return d.replaceJSON(LinksFile, ms) }

// Result writes verdict.json, which has a schema of its own: a run of an earlier
// schema that is judged again gets a verdict of the present schema beside its other files.
func (d *Dir) Result(j *Result) error {
	return d.replaceJSON(VerdictFile, struct {
		Schema int `json:"schema"`
		*Result
	}{Schema, j})
}

// Event appends one event. It fails after Close, and in a directory from Reopen.
func (d *Dir) Event(e Event) error {
	line, err := json.Marshal(e)
	if err == nil && len(line) >= maxEventLine { // it could not be read back
		e.Fields, e.Description = nil, fmt.Sprintf("an event of %d bytes is left out of the record: one may have %d", len(line), maxEventLine)
		line, err = json.Marshal(e)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(d.Path, EventsFile), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.events == nil {
		return fmt.Errorf("write event %s: %s is closed", e.Kind, d.Path)
	}
	if _, err := d.events.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write event: %w", err)
	}
	return nil
}

// History is the path for the history's Recorder.
func (d *Dir) History() string { return filepath.Join(d.Path, HistoryFile) }

// NodeLog is the path for the log of a node.
func (d *Dir) NodeLog(id topology.NodeID) string {
	return filepath.Join(d.Path, NodesDir, filepath.Base(string(id))+".log")
}

// Close ends the writing of the directory and unlocks it. It may be called again.
func (d *Dir) Close() error { return errors.Join(d.closeEvents(), d.unlock(), d.root.Close()) }

// closeEvents ends the writing of events.
func (d *Dir) closeEvents() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.events == nil {
		return nil
	}
	err := durable.Close(d.events)
	d.events = nil
	return err
}

func (d *Dir) replaceJSON(name string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(d.Path, name), err)
	}
	return d.WriteFile(name, append(b, '\n'))
}

// WriteFile writes a whole file of the directory. The former content stays until the new one is
// on disk. A link of that name is replaced and not followed.
func (d *Dir) WriteFile(name string, content []byte) error {
	d.replacing.Lock()
	defer d.replacing.Unlock()
	if err := durable.WriteFileIn(d.root, name, content, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Join(d.Path, name), err)
	}
	return nil
}

// Remove removes those files of the directory whose names match a pattern of path.Match.
func (d *Dir) Remove(pattern string) error {
	names, err := fs.Glob(d.root.FS(), pattern)
	for _, name := range names {
		err = errors.Join(err, d.root.Remove(name))
	}
	return err
}
