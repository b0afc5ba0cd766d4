package record

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// ChecksumsFile holds what each file of the record came to when the run ended, in
// the format of sha256sum -c. It shows that a file was cut off, lost or edited
// afterwards. It is no signature: who edits it as well is not found out.
const ChecksumsFile = "SHA256SUMS"

// sealed are the files that a judgement is made from.
func sealed() []string {
	return []string{ScenarioFile, PlanFile, RunFile, EventsFile, LinksFile, HistoryFile}
}

// WriteChecksums writes the sums of the files as they are now. The run says in its record
// that it is sealed; nothing may be added to it after.
func (d *Dir) WriteChecksums() error {
	if err := d.closeEvents(); err != nil {
		return fmt.Errorf("seal the record: %w", err)
	}
	var sums bytes.Buffer
	for _, name := range sealed() {
		sum, err := sumOf(filepath.Join(d.Path, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("seal the record: %w", err)
		}
		fmt.Fprintf(&sums, "%s  %s\n", sum, name)
	}
	return d.replace(ChecksumsFile, sums.Bytes())
}

// unsealed lists what is not as it was when the record was sealed.
func unsealed(path string) (changes []string, err error) {
	f, err := os.Open(filepath.Join(path, ChecksumsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return []string{ChecksumsFile + " is missing"}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("load run: %w", err)
	}
	defer f.Close()
	then := map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if sum, name, ok := strings.Cut(lines.Text(), "  "); ok {
			then[name] = sum
		}
	}
	for _, name := range sealed() {
		now, err := sumOf(filepath.Join(path, name))
		switch was, known := then[name]; {
		case errors.Is(err, fs.ErrNotExist) && known && name != PlanFile && name != HistoryFile: // Load tells of those
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

func sumOf(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
