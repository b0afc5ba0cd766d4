package targets

import (
	"fmt"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/workload"
)

// LoadSupport is what the system of a target serves beyond reads and writes of registers
// and sets.
type LoadSupport struct {
	// Kinds are the operations that it serves; nil means those of registers and sets, all
	// of them. A load whose mix is left out has none of the others.
	Kinds []history.Kind
	// Classes are the names of its classes of data, the values of load.class.
	Classes []string
	// LocalReads says that a region answers reads by itself, without a majority.
	LocalReads bool
	// Accounts says that it serves history.Open, Transfer and Balances.
	Accounts bool
	// Lists says that it serves history.Append and ListRead.
	Lists bool
	// Streams says that it serves history.Publish and Consume.
	Streams bool
}

// serves says whether operations of the kind make sense to the system.
func (s LoadSupport) serves(k history.Kind) bool {
	return s.Kinds == nil || slices.Contains(s.Kinds, k)
}

// FitLoad leaves out of the default mix what the target's system does not serve. A mix
// that was given stays as it is; CheckLoad refuses what is wrong with it.
func FitLoad(t Target, l workload.Load) workload.Load {
	s, ok := t.(LoadSupporter)
	if !ok || l.Mix != (workload.Mix{}) {
		return l
	}
	has, all := s.LoadSupport(), workload.Load{}.Resolve().Mix
	mix := workload.Mix{}
	if has.serves(history.Write) && has.serves(history.Read) {
		mix.Write = all.Write
		if has.serves(history.CAS) {
			mix.CAS = all.CAS
		}
	}
	if has.serves(history.Add) && has.serves(history.SetRead) {
		mix.Add = all.Add
	}
	if mix == all || mix == (workload.Mix{}) {
		return l
	}
	// The shares of what is left are 100 in all; the rest of the division goes to writes, or to sets.
	sum := mix.Write + mix.CAS + mix.Add
	mix.Write, mix.CAS, mix.Add = mix.Write*100/sum, mix.CAS*100/sum, mix.Add*100/sum
	if rest := 100 - mix.Write - mix.CAS - mix.Add; mix.Write > 0 {
		mix.Write += rest
	} else {
		mix.Add += rest
	}
	l.Mix = mix
	return l
}

// LoadSupporter is a target whose system serves more than registers and sets. A load
// that asks for what a target does not list is refused before anything starts.
type LoadSupporter interface {
	LoadSupport() LoadSupport
}

// UnsupportedLoad says which field of a load asks for what a target does not serve.
type UnsupportedLoad struct {
	Field      string // as a scenario file has it: "load.class"
	Message    string
	Suggestion string // the valid name that may have been meant
}

func (e UnsupportedLoad) Error() string {
	s := e.Field + ": " + e.Message
	if e.Suggestion != "" {
		s += fmt.Sprintf("; did you mean %q?", e.Suggestion)
	}
	return s
}

// CheckLoad returns an UnsupportedLoad if the load asks for what the target does not serve.
func CheckLoad(t Target, l workload.Load) error {
	var has LoadSupport
	if s, ok := t.(LoadSupporter); ok {
		has = s.LoadSupport()
	}
	lacks := func(field, what string) error {
		return UnsupportedLoad{Field: field, Message: fmt.Sprintf("target %s %s: leave it out", t.Name(), what)}
	}
	for _, want := range []struct {
		share int
		field string
		kind  history.Kind
	}{{l.Mix.Write, "write", history.Write}, {l.Mix.CAS, "cas", history.CAS}, {l.Mix.Add, "add", history.Add}} {
		if want.share > 0 && !has.serves(want.kind) {
			return lacks("load.mix."+want.field, fmt.Sprintf("has no operation %q", want.kind))
		}
	}
	switch {
	case l.Class != "" && len(has.Classes) == 0:
		return lacks("load.class", "has no classes of data")
	case l.Class != "" && !slices.Contains(has.Classes, l.Class):
		return UnsupportedLoad{
			"load.class", fmt.Sprintf("%q is none of %s, the classes of data of target %s", l.Class, strings.Join(has.Classes, ", "), t.Name()),
			suggest.Closest(l.Class, has.Classes),
		}
	case l.LocalReads > 0 && !has.LocalReads:
		return lacks("load.localReads", "has no reads that a region answers by itself")
	case l.Mix.Transfer > 0 && !has.Accounts:
		return lacks("load.mix.transfer", "has no accounts")
	case l.Mix.Append > 0 && !has.Lists:
		return lacks("load.mix.append", "has no lists")
	case l.Mix.Publish > 0 && !has.Streams:
		return lacks("load.mix.publish", "has no streams")
	case l.Consumers > 0 && !has.Streams:
		return lacks("load.consumers", "has no streams")
	}
	return nil
}
