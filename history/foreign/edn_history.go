package foreign

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
)

// An EDN history is maps, one after another or in one vector: {:process 0, :type :invoke, :f :write, :value 3}. An
// invocation is completed by the next map of its process, whose type is :ok, :fail (it took no
// effect) or :info (nobody knows). Processes that are not numbers are not clients. What a key is follows
// the tool: :key beside :value, or a value that is a pair of key and value, as jepsen.independent has it.

// ednEvent is one map of an EDN history.
type ednEvent struct {
	place
	process int
	kind    string // :invoke, :ok, :fail, :info
	f       string
	key     form
	value   form
}

// readEDN reads an EDN history. Its errors begin with the line.
func readEDN(in *bufio.Reader, model Model) (ops []history.Op, leftOut int, err error) {
	events, leftOut, last, err := ednEvents(in)
	if err != nil {
		return nil, 0, err
	}
	if model != Append && pairsOfKeyAndValue(events) {
		for i := range events {
			e := &events[i]
			if !isPair(e.value) { // the completion of a crashed operation may have none
				continue
			}
			e.key, e.value = e.value.items[0], e.value.items[1]
		}
	}
	var p pairing
	for i := range events {
		if err := p.ednEvent(&events[i], model); err != nil {
			return nil, 0, err
		}
	}
	if len(events) > 0 {
		last = max(last, events[len(events)-1].at)
	}
	ops = p.finish(last)
	if model == Append {
		splitJoined(ops)
	}
	return ops, leftOut, nil
}

// ednEvents reads the maps of clients, and counts those of others.
func ednEvents(in *bufio.Reader) (events []ednEvent, leftOut, last int, err error) {
	if head, _ := in.Peek(len(byteOrderMark)); string(head) == string(byteOrderMark) {
		_, _ = in.Discard(len(byteOrderMark))
	}
	r := &ednReader{in: in, line: 1}
	add := func(f form) error {
		e, isClient, err := ednEventOf(f)
		switch {
		case err != nil:
			return err
		case !isClient:
			leftOut++
		default:
			e.at = e.line
			if len(events) > 0 { // two maps on one line follow each other all the same
				e.at = max(e.at, events[len(events)-1].at+1)
			}
			events = append(events, e)
		}
		return nil
	}
	for {
		f, err := r.next()
		switch {
		case errors.Is(err, io.EOF):
			return events, leftOut, r.line, nil
		case errors.Is(err, errClosed):
			return nil, 0, 0, r.errorf(f.line, "unexpected %s", f.text)
		case err != nil:
			return nil, 0, 0, err
		}
		if f.kind != vector {
			f = form{kind: vector, items: []form{f}}
		}
		for _, item := range f.items {
			if err := add(item); err != nil {
				return nil, 0, 0, err
			}
		}
	}
}

func ednEventOf(f form) (e ednEvent, isClient bool, err error) {
	if f.kind != mapping {
		return e, false, fmt.Errorf(":%d: %s is not an operation: want a map", f.line, f)
	}
	process := f.get(":process")
	e = ednEvent{place: place{line: f.line}, kind: f.get(":type").text, f: f.get(":f").text, key: f.get(":key"), value: f.get(":value")}
	switch {
	case process.isNil():
		return e, false, fmt.Errorf(":%d: an operation has no :process", f.line)
	case !slices.Contains([]string{":invoke", ":ok", ":fail", ":info"}, e.kind):
		return e, false, fmt.Errorf(":%d: the :type of an operation is %q, want :invoke, :ok, :fail or :info", f.line, clip(e.kind))
	}
	if e.process, err = strconv.Atoi(process.text); err != nil {
		return e, false, nil // the nemesis
	}
	return e, true, nil
}

// pairsOfKeyAndValue reports whether every invocation is on a key that stands in its value. A lone
// compare-and-set has a pair for a value too, which is why all invocations must have one.
func pairsOfKeyAndValue(events []ednEvent) bool {
	found := false
	for _, e := range events {
		if e.kind != ":invoke" || e.f == ":transfer" {
			continue
		}
		if !e.key.isNil() || !isPair(e.value) || e.f == ":cas" && !isPair(e.value.items[1]) {
			return false
		}
		found = true
	}
	return found
}

func isPair(f form) bool { return f.kind == vector && len(f.items) == 2 }

// ednEvent takes in one event.
func (p *pairing) ednEvent(e *ednEvent, model Model) error {
	switch e.kind {
	case ":invoke":
		ops, err := e.invoked(model)
		if err != nil {
			return fmt.Errorf(":%d: %w", e.line, err)
		}
		return p.invoke(e.process, e.place, e.f, ops...)
	case ":info":
		return p.complete(e.process, e.place, e.f, all(history.Unknown))
	case ":fail":
		return p.complete(e.process, e.place, e.f, all(history.Failed))
	default:
		return p.complete(e.process, e.place, e.f, func(ops []history.Op) ([]history.Op, error) { return e.answered(ops) })
	}
}

// invoked returns the operations that an event begins.
func (e *ednEvent) invoked(model Model) ([]history.Op, error) {
	key := e.key.plain()
	if key == "" {
		key = string(model)
	}
	op := history.Op{Key: key, Value: e.value.plain()}
	switch string(model) + " " + e.f {
	case "register :read", "cas-register :read":
		op.Kind, op.Value = history.Read, ""
	case "register :write", "cas-register :write":
		op.Kind = history.Write
	case "cas-register :cas":
		if !isPair(e.value) {
			return nil, fmt.Errorf("the value of :cas is %s, want [OLD NEW]", e.value)
		}
		op.Kind, op.Expect, op.Value = history.CAS, e.value.items[0].plain(), e.value.items[1].plain()
	case "register :cas":
		return nil, errors.New(":cas is not of the model register; use cas-register")
	case "set :add":
		op.Kind = history.Add
	case "set :read":
		op.Kind, op.Value = history.SetRead, ""
	case "append :append", "append :put":
		op.Kind = history.Append
		if e.f == ":put" {
			op.Kind = history.Put
		}
		if e.value.kind == text {
			op.Value = e.value.text // joined with nothing, "" is nothing
		}
	case "append :get", "append :read":
		op.Kind, op.Value = history.ListRead, ""
	case "append :txn":
		return e.transaction()
	case "bank :read":
		op.Kind, op.Value = history.Balances, ""
	case "bank :transfer":
		op.Kind, op.Value = history.Transfer, ""
		op.From, op.To = e.value.get(":from").plain(), e.value.get(":to").plain()
		amount, err := strconv.ParseInt(e.value.get(":amount").text, 10, 64)
		if err != nil || op.From == "" || op.To == "" {
			return nil, fmt.Errorf("the value of :transfer is %s, want a map of :from, :to and :amount", e.value)
		}
		op.Amount = amount
	default:
		return nil, fmt.Errorf("the operation is %q, which is not of the model %s", clip(e.f), model)
	}
	if op.Kind.Class() == history.Writes && op.Kind != history.Transfer && e.value.isNil() {
		return nil, fmt.Errorf("%s has no :value", e.f)
	}
	return []history.Op{op}, nil
}

// transaction takes each step of a list-append transaction as an operation of its own that lasts as long as
// the transaction. What is strictly serializable is linearizable by each key, so a violation of one is a violation of
// the transactions too; that the steps happened together is not judged.
func (e *ednEvent) transaction() ([]history.Op, error) {
	if e.value.kind != vector {
		return nil, fmt.Errorf("the value of :txn is %s, want a vector of steps", e.value)
	}
	ops := make([]history.Op, 0, len(e.value.items))
	for _, step := range e.value.items {
		if step.kind != vector || len(step.items) != 3 {
			return nil, fmt.Errorf("a step of a transaction is %s, want [:append KEY VALUE] or [:r KEY nil]", step)
		}
		op := history.Op{Key: step.items[1].plain()}
		switch step.items[0].text {
		case ":append":
			op.Kind, op.Value = history.Append, step.items[2].plain()
		case ":r":
			op.Kind = history.ListRead
		default:
			return nil, fmt.Errorf("a step of a transaction is %s, want [:append KEY VALUE] or [:r KEY nil]", step)
		}
		ops = append(ops, op)
	}
	return ops, nil
}

// answered sets what operations were answered.
func (e *ednEvent) answered(ops []history.Op) ([]history.Op, error) {
	if e.f == ":txn" && (e.value.kind != vector || len(e.value.items) != len(ops)) {
		return nil, fmt.Errorf("the transaction had %d steps when it was invoked, and completes with %s", len(ops), e.value)
	}
	for i := range ops {
		op := &ops[i]
		op.Outcome, op.Applied = history.OK, op.Kind == history.CAS || op.Kind == history.Transfer
		shown := e.value
		if e.f == ":txn" {
			step := e.value.items[i]
			if step.kind != vector || len(step.items) != 3 {
				return nil, fmt.Errorf("a step of a transaction is %s, want three parts", step)
			}
			shown = step.items[2]
		}
		var err error
		switch op.Kind {
		case history.Read:
			op.Output = shown.plain()
		case history.SetRead:
			op.Set, err = shown.elements()
		case history.ListRead:
			op.Set, err = shown.elements()
			if shown.kind == text { // the elements of a key-value store, joined
				op.Set, err = nil, nil
				op.Output = shown.text
			}
		case history.Balances:
			op.Set, err = shown.balances()
		}
		if err != nil {
			return nil, err
		}
	}
	return ops, nil
}

// plain is a value as an operation has it: nil is "", which stands for a value that was never written.
func (f form) plain() string {
	switch {
	case f.isNil():
		return ""
	case f.kind == text && f.text == "":
		return `""`
	case f.kind == atom, f.kind == text:
		return f.text
	default:
		return f.String()
	}
}

func (f form) elements() ([]string, error) {
	if f.isNil() {
		return nil, nil
	}
	if f.kind != vector && f.kind != set {
		return nil, fmt.Errorf("a read shows %s, want a vector or a set", f)
	}
	out := make([]string, len(f.items))
	for i, item := range f.items {
		out[i] = item.plain()
	}
	return out, nil
}

// balances reads a map of accounts, or a vector of balances whose accounts are 0, 1, 2 and so on.
func (f form) balances() ([]string, error) {
	accounts := f.items
	if f.kind == vector {
		accounts = nil
		for i, item := range f.items {
			accounts = append(accounts, form{text: strconv.Itoa(i)}, item)
		}
	} else if f.kind != mapping {
		return nil, fmt.Errorf("a read of the bank shows %s, want a map of balances", f)
	}
	var out []string
	for i := 0; i+1 < len(accounts); i += 2 {
		if _, err := strconv.ParseInt(accounts[i+1].text, 10, 64); err != nil {
			return nil, fmt.Errorf("the balance of account %s is %s, want a number", accounts[i], accounts[i+1])
		}
		out = append(out, accounts[i].plain()+"="+accounts[i+1].text)
	}
	slices.Sort(out)
	return out, nil
}

// splitJoined takes apart what key-value stores answer, whose append joins strings: the elements are found by
// what was written to the key. What cannot be taken apart stays whole, and nobody wrote it.
func splitJoined(ops []history.Op) {
	written := map[string][]string{}
	for _, op := range ops {
		if op.Kind != history.ListRead && op.Value != "" {
			written[op.Key] = append(written[op.Key], op.Value)
		}
	}
	for i := range ops {
		op := &ops[i]
		if op.Kind != history.ListRead || op.Output == "" {
			continue
		}
		op.Set, op.Output = split(op.Output, written[op.Key]), ""
	}
}

// split finds parts that make up s when joined. Where there are several ways, any will do.
func split(s string, parts []string) []string {
	last := make([]string, len(s)+1) // the part that ends at each place that can be reached
	reached := make([]bool, len(s)+1)
	reached[0] = true
	for at := range len(s) {
		if !reached[at] {
			continue
		}
		for _, part := range parts {
			if end := at + len(part); strings.HasPrefix(s[at:], part) && !reached[end] {
				reached[end], last[end] = true, part
			}
		}
	}
	if !reached[len(s)] {
		return []string{s}
	}
	var out []string
	for at := len(s); at > 0; at -= len(last[at]) {
		out = append(out, last[at])
	}
	slices.Reverse(out)
	return out
}
