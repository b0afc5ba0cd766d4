package main

import (
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/harness"
	"github.com/mcp-resilience/holdfast/record"
)

// debugLog returns a watcher that hands each event of a run to note as one log
// line with all its fields. The progress views show an event's description alone.
func debugLog(note func(line string)) func(harness.Progress) {
	log := slog.New(slog.NewTextHandler(lineWriter(note), &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				return slog.Attr{} // the event's own offset says when
			}
			return a
		},
	}))
	return func(p harness.Progress) {
		if p.Event != nil {
			log.Debug(string(p.Event.Kind), eventAttrs(*p.Event)...)
		}
	}
}

// eventAttrs lists the fields of an event that are set.
func eventAttrs(e record.Event) []any {
	attrs := []any{"at", e.At, "source", e.Source}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, key, value)
		}
	}
	add("node", string(e.Node))
	add("region", string(e.Region))
	add("fault", e.Fault)
	add("description", e.Description)
	for _, name := range slices.Sorted(maps.Keys(e.Fields)) {
		add("fields."+name, e.Fields[name])
	}
	return attrs
}

// lineWriter is called with each write, which is a whole line, without its newline.
type lineWriter func(line string)

func (w lineWriter) Write(b []byte) (int, error) {
	w(strings.TrimSuffix(string(b), "\n"))
	return len(b), nil
}
