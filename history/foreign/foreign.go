// Package foreign reads histories that other tools recorded, as operations of ours:
// Jepsen's EDN, the logs of Jepsen's etcd test and the logs of key-value stores that Porcupine is tested
// with; and our own history files beside them. It judges nothing.
//
// These files say in which order calls and returns were seen, and some of them no time. So the order of
// the lines decides, as it does for the checkers of those tools: an instant is the number of a
// line, counted as milliseconds, and evidence that names 0.012 s means line 12.
package foreign

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/suggest"
)

// Model is what the operations of a history are taken for. The same word means different things
// in different files: :read is of a register, of a set or of a bank.
type Model string

// The models.
const (
	Register    Model = "register"     // read and write
	CASRegister Model = "cas-register" // and compare-and-set
	Set         Model = "set"          // that only grows
	Append      Model = "append"       // lists: append, read, and put, which replaces a list
	Bank        Model = "bank"         // accounts between which money moves
)

// Models lists all there are.
var Models = []Model{Register, CASRegister, Set, Append, Bank}

// ParseModel finds a model by its name.
func ParseModel(name string) (Model, error) {
	names := make([]string, len(Models))
	for i, m := range Models {
		if string(m) == name {
			return m, nil
		}
		names[i] = string(m)
	}
	if near := suggest.Closest(name, names); near != "" {
		return "", fmt.Errorf("there is no model %q; did you mean %q?", name, near)
	}
	return "", fmt.Errorf("there is no model %q; there are %s", name, strings.Join(names, ", "))
}

// Format is how a file is written.
type Format string

// The formats.
const (
	EDN     Format = "edn"      // Jepsen's history.edn, and Porcupine's logs of key-value stores
	EtcdLog Format = "etcd-log" // what Jepsen's etcd test of 2014 printed, which Porcupine is tested with
	Own     Format = "holdfast" // history.jsonl, compressed or not
)

// History is what a file holds.
type History struct {
	Format Format
	Ops    []history.Op
	// LeftOut counts the operations that are not of the model: what a fault did, other kinds of key.
	LeftOut int
	// Truncated says that the file ends in the midst of an operation, as that of a killed run does.
	Truncated bool
}

// Read reads a file. It recognizes the format from what it begins with. An error names file and line.
func Read(path string, model Model) (History, error) {
	f, err := os.Open(path)
	if err != nil {
		return History{}, fmt.Errorf("read a history: %w", err)
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.IsDir() {
		return History{}, fmt.Errorf("read a history: %s is a directory; name a file in it, or judge a run directory with recheck", path)
	}
	in := bufio.NewReaderSize(f, 1<<16)
	head, err := in.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return History{}, fmt.Errorf("read a history: %s: %w", path, err)
	}
	format, err := recognize(head)
	if err != nil {
		return History{}, fmt.Errorf("read a history: %s:1: %w", path, err)
	}
	out := History{Format: format}
	switch format {
	case Own:
		out.Ops, out.Truncated, err = history.Load(path)
		if err != nil {
			return History{}, err
		}
		out.LeftOut, err = keepModel(&out.Ops, model)
	case EtcdLog:
		out.Ops, err = readEtcdLog(in, model)
	default:
		out.Ops, out.LeftOut, err = readEDN(in, model)
	}
	if err != nil {
		return History{}, fmt.Errorf("read a history: %s%w", path, err)
	}
	return out, nil
}

var (
	zstdMagic     = []byte{0x28, 0xb5, 0x2f, 0xfd}
	byteOrderMark = []byte{0xef, 0xbb, 0xbf}
)

// recognize tells the format from the first bytes.
func recognize(head []byte) (Format, error) {
	if bytes.HasPrefix(head, zstdMagic) {
		return Own, nil
	}
	text := bytes.TrimLeft(bytes.TrimPrefix(head, byteOrderMark), " \t\r\n,")
	switch {
	case len(text) == 0:
		return "", fmt.Errorf("the file is empty")
	case bytes.HasPrefix(text, []byte("INFO")):
		return EtcdLog, nil
	case text[0] == '{' && bytes.HasPrefix(bytes.TrimLeft(text[1:], " \t"), []byte(`"`)):
		return Own, nil
	case bytes.IndexByte([]byte("{[(#;"), text[0]) >= 0:
		return EDN, nil
	default:
		return "", fmt.Errorf("this is no history that can be read: not EDN, not a log of Jepsen's etcd test, and not history.jsonl")
	}
}

// keepModel leaves the operations that are of a model, and counts the others.
func keepModel(ops *[]history.Op, model Model) (leftOut int, err error) {
	kept := (*ops)[:0]
	for i := range *ops {
		op := &(*ops)[i]
		of := false
		switch op.Kind {
		case history.Read, history.Write:
			of = model == Register || model == CASRegister
		case history.CAS:
			if of = model == CASRegister; model == Register {
				return 0, fmt.Errorf(":%d: a compare-and-set is not of the model register; use cas-register", i+1)
			}
		case history.Add, history.SetRead:
			of = model == Set
		case history.Append, history.Put, history.ListRead:
			of = model == Append
		case history.Open, history.Transfer, history.Balances:
			of = model == Bank
		}
		if of {
			kept = append(kept, *op)
		} else {
			leftOut++
		}
	}
	*ops = kept
	return leftOut, nil
}

// instant is where a line stands in time.
func instant(line int) time.Duration { return time.Duration(line) * time.Millisecond }
