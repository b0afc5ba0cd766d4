package foreign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
)

// An etcd log has a line for each event: INFO jepsen.util - PROCESS :invoke|:ok|:fail|:info :read|:write|:cas VALUE.
// It is of one register. A compare-and-set that failed found another value; a read that failed timed out.

// readEtcdLog reads such a log. Its errors begin with the line.
func readEtcdLog(r io.Reader, model Model) ([]history.Op, error) {
	if model != Register && model != CASRegister {
		return nil, fmt.Errorf(":1: this log of Jepsen's etcd test is of a register, not of the model %s", model)
	}
	var (
		p     pairing
		lines = bufio.NewScanner(r)
		n     = 0
	)
	for lines.Scan() {
		n++
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		if err := p.etcdEvent(n, line, model); err != nil {
			return nil, err
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf(":%d: %w", n+1, err)
	}
	return p.finish(n), nil
}

func (p *pairing) etcdEvent(n int, line string, model Model) error {
	fields := strings.Fields(line)
	if len(fields) < 6 || fields[0] != "INFO" || fields[1] != "jepsen.util" || fields[2] != "-" {
		return fmt.Errorf(":%d: not a line of a log of Jepsen's etcd test: %q", n, clip(line))
	}
	if fields[3] == ":nemesis" {
		return nil
	}
	process, err := strconv.Atoi(fields[3])
	if err != nil {
		return fmt.Errorf(":%d: the process is %q, want a number", n, clip(fields[3]))
	}
	kind, f, value := fields[4], fields[5], strings.Join(fields[6:], " ")
	if f != ":read" && f != ":write" && f != ":cas" {
		return fmt.Errorf(":%d: the operation is %q, want :read, :write or :cas", n, clip(f))
	}
	if f == ":cas" && model == Register {
		return fmt.Errorf(":%d: :cas is not of the model register; use cas-register", n)
	}
	switch kind {
	case ":invoke":
		op := history.Op{Key: "register"}
		switch f {
		case ":read":
			op.Kind = history.Read
		case ":write":
			op.Kind, op.Value = history.Write, value
			err = wantNumber(value)
		case ":cas":
			op.Kind = history.CAS
			op.Expect, op.Value, err = numberPair(value)
		}
		if err != nil {
			return fmt.Errorf(":%d: %w", n, err)
		}
		return p.invoke(process, place{n, n}, f, op)
	case ":info":
		return p.complete(process, place{n, n}, f, all(history.Unknown))
	case ":fail":
		if f == ":cas" && value != ":timed-out" {
			return p.complete(process, place{n, n}, f, all(history.OK)) // answered: it found another value
		}
		return p.complete(process, place{n, n}, f, all(history.Failed))
	case ":ok":
		return p.complete(process, place{n, n}, f, func(ops []history.Op) ([]history.Op, error) {
			ops[0].Outcome = history.OK
			ops[0].Applied = f == ":cas"
			if f == ":read" && value != "nil" {
				ops[0].Output = value
				return ops, wantNumber(value)
			}
			return ops, nil
		})
	default:
		return fmt.Errorf(":%d: the event is %q, want :invoke, :ok, :fail or :info", n, clip(kind))
	}
}

func wantNumber(s string) error {
	if _, err := strconv.Atoi(s); err != nil {
		return fmt.Errorf("the value is %q, want a number", clip(s))
	}
	return nil
}

// numberPair reads "[1 2]".
func numberPair(s string) (first, second string, err error) {
	inner, opened := strings.CutPrefix(s, "[")
	inner, closed := strings.CutSuffix(inner, "]")
	pair := strings.Fields(inner)
	if !opened || !closed || len(pair) != 2 {
		return "", "", fmt.Errorf("the value is %q, want [OLD NEW]", clip(s))
	}
	return pair[0], pair[1], errors.Join(wantNumber(pair[0]), wantNumber(pair[1]))
}

// clip shortens what is quoted from a file.
func clip(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}
