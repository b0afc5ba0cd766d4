// Package file is targets that are YAML files: a system under test described by its
// programs or images, a protocol of the box that its clients speak, and the questions
// that tell who leads. It is the way to test a system without writing Go. A file is the
// user's own, as a Makefile is: it may name any program and image. It starts nothing
// itself and judges nothing.
package file

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/yamlfile"
	"github.com/mcp-resilience/holdfast/targets"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/builtin"
)

// Suffix is what the names of target files end in.
const Suffix = ".target.yaml"

// maxBytes is the length of the longest file that is read.
const maxBytes = 256 << 10

// Target is a system under test as a file describes it.
type Target struct {
	document Document
	protocol protocols.Protocol
	source   []byte
}

var (
	_ targets.Target        = (*Target)(nil)
	_ targets.LoadSupporter = (*Target)(nil)
	_ targets.Promiser      = (*Target)(nil)
	_ targets.Sourced       = (*Target)(nil)
)

// Load reads a target file. The error is a yamlfile.Diagnostics for one with mistakes,
// or that of opening it.
func Load(path string) (*Target, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read target: %w", err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read target: %w", err)
	}
	return Parse(path, data)
}

// Parse reads the text of a target file. Name is what errors call it, and the name of
// the target where the file gives none.
func Parse(name string, data []byte) (*Target, error) {
	t := &Target{source: data}
	src := yamlfile.Decode(name, data, &t.document, yamlfile.Options{Noun: "target", MaxBytes: maxBytes, Choose: settingsOf})
	if src.Readable() {
		t.document.Name = cmp.Or(t.document.Name, strings.TrimSuffix(filepath.Base(name), Suffix))
		t.document.validate(src)
	}
	if err := src.Err(); err != nil {
		return nil, err
	}
	p, err := t.document.Client.With.Protocol()
	if err != nil { // validate has seen its settings
		return nil, fmt.Errorf("%s: client: %w", name, err)
	}
	t.protocol = p
	return t, nil
}

// settingsOf makes the settings of the protocol that the client section names.
func settingsOf(client reflect.Value) (any, bool) {
	s, err := builtin.Settings(client.FieldByName("Protocol").String())
	return s, err == nil // validate reports an unknown protocol
}

// Name implements targets.Target.
func (t *Target) Name() string { return t.document.Name }

// Consistency implements targets.Promiser.
func (t *Target) Consistency() targets.Consistency {
	return cmp.Or(t.document.Consistency, targets.Linearizable)
}

// Source is the text of the file.
func (t *Target) Source() []byte { return t.source }
