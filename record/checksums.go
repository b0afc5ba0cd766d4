package record

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
)

// ChecksumsFile has the SHA-256 of each file of the record at the end of the run, in
// the format of sha256sum -c. It shows that a file was truncated, lost or edited
// afterwards. It is not a signature: whoever edits a file can edit the checksums too.
const ChecksumsFile = "SHA256SUMS"

// checksummedFiles lists the files that a verdict depends on.
func checksummedFiles() []string {
	return []string{ScenarioFile, TargetFile, PlanFile, RunFile, EventsFile, LinksFile, HistoryFile, MachineFile}
}

// WriteChecksums writes the checksums of the files as they are now. Run.Checksummed must be set in
// run.json before, and none of the files may be written after.
func (d *Dir) WriteChecksums() error {
	if err := d.closeEvents(); err != nil {
		return fmt.Errorf("write checksums: %w", err)
	}
	var sums bytes.Buffer
	for _, name := range checksummedFiles() {
		sum, err := sumOf(d.root, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("write checksums: %w", err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return d.WriteFile(ChecksumsFile, sums.Bytes())
}

// changes lists the files that are missing or differ from their checksums. A record without
// checksums is unchanged only when it cannot have them: its run was killed, or an earlier
// version made it. Otherwise whoever edits a record would only have to remove the checksums.
func (r *Run) changes(root *os.Root) (changes []string, err error) {
	b, err := readFile(root, ChecksumsFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && r.Checksummed:
		return []string{ChecksumsFile + " is missing"}, nil
	case errors.Is(err, fs.ErrNotExist) && r.finished() && r.Schema >= firstWithChecksums:
		return []string{fmt.Sprintf("%s is missing, and %s does not say that the record has checksums, which that of every finished run does", ChecksumsFile, RunFile)}, nil
	case errors.Is(err, fs.ErrNotExist):
		r.NoChecksums = r.finished()
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("load run: %w", err)
	}
	then := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if sum, name, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "  "); ok {
			then[name] = sum
		}
	}
	for _, name := range checksummedFiles() {
		now, err := sumOf(root, name)
		switch was, known := then[name]; {
		case errors.Is(err, fs.ErrNotExist) && known && name != PlanFile && name != HistoryFile: // Load reports those
			changes = append(changes, name+" is missing")
		case errors.Is(err, fs.ErrNotExist):
		case err != nil:
			return nil, fmt.Errorf("load run: %w", err)
		case now != was:
			changes = append(changes, name+" was changed after the run had ended")
		}
	}
	return changes, nil
}

// firstWithChecksums is the first schema in which every finished record has checksums.
// Records of the one before have them only if they are of its last months.
const firstWithChecksums = 2

// finished says that the run ended by itself: one that was killed is still in a phase.
func (r *Run) finished() bool {
	return len(r.Phases) > 0 && r.Phases[len(r.Phases)-1].To != NotReached
}

func sumOf(root *os.Root, name string) (string, error) {
	f, err := openFile(root, name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", f.Name(), err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
