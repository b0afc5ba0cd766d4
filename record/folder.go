package record

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
)

// A run directory may come from somebody else. What is read of it is bounded, and
// nothing outside of it is read or written.
const (
	// maxFile is the longest run.json, plan.json, links.json, verdict.json or
	// scenario.yaml that is read, and maxValues is how many values such a file may
	// have. Together they keep what a file takes in memory under 1 GiB: an empty object
	// is 3 bytes in a file and can be 400 in memory.
	maxFile   = 32 << 20
	maxValues = 2_000_000
	// maxEventLine and maxEventsFile bound events.jsonl, and maxEvents is how many
	// events it may have.
	maxEventLine  = 1 << 20
	maxEventsFile = 128 << 20
	maxEvents     = 1_000_000
	// maxLinesFile is what machine.jsonl.zst, metrics.jsonl.zst or traces.jsonl.zst may decompress to: an hour
	// of a run of nine nodes has 100 MiB of metrics.
	maxLinesFile = 1 << 30
	// maxEntries is how many files and folders a run directory may have.
	maxEntries = 100_000
)

// openFolder opens a run directory. The error names what in it is neither a file nor a
// folder: a symbolic link could lead anywhere, and reading a pipe may never end.
func openFolder(dir string) (_ *os.Root, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, root.Close())
		}
	}()
	entries := 0
	return root, fs.WalkDir(root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entries++; entries > maxEntries {
			return fmt.Errorf("%s has more than %d files, the most that a run directory may have", dir, maxEntries)
		}
		return requirePlain(filepath.Join(dir, name), e.Type())
	})
}

func requirePlain(name string, is fs.FileMode) error {
	switch {
	case is.IsRegular(), is.IsDir():
		return nil
	case is&fs.ModeSymlink != 0:
		return fmt.Errorf("%s is a symbolic link, and a run directory may have none: what it leads to could be any file of this machine; remove it, or put a copy in its place", name)
	default:
		return fmt.Errorf("%s is neither a file nor a folder, and a run directory may have nothing else: remove it", name)
	}
}

// openFile opens a file of a run directory for reading. It does not follow a link of
// that name, for LoadSummary has not looked at the whole directory.
func openFile(root *os.Root, name string) (*os.File, error) {
	is, err := root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if err := requirePlain(filepath.Join(root.Name(), name), is.Mode()); err != nil {
		return nil, err
	}
	return root.Open(name)
}

// readFile reads a whole file of a run directory, up to maxFile.
func readFile(root *os.Root, name string) ([]byte, error) {
	f, err := openFile(root, name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return nil, err
	case len(b) > maxFile:
		return nil, fmt.Errorf("load %s: it is longer than %d MiB, the most that is read of such a file", f.Name(), maxFile>>20)
	}
	values := 0
	for _, opens := range []string{"{", "[", ","} {
		values += bytes.Count(b, []byte(opens))
	}
	if path.Ext(name) == ".json" && values > maxValues {
		return nil, fmt.Errorf("load %s: it has more than %d values, the most that are read of such a file", f.Name(), maxValues)
	}
	return b, nil
}

// Source reads the scenario file of a stored run as it was given. A run whose plan was
// made in code has none, and the error is fs.ErrNotExist.
func Source(dir string) (_ []byte, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	return readFile(root, ScenarioFile)
}
