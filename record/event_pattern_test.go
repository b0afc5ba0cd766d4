package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToldIsReadAndWritten(t *testing.T) {
	for text, c := range map[string]struct {
		want EventPattern
		text string // the line as it is written again, or a part of the error
	}{
		"elected":                              {EventPattern{Kind: "elected"}, "elected"},
		" configured  source=disk  node=east ": {EventPattern{"configured", map[string]string{"source": "disk", "node": "east"}}, "configured node=east source=disk"},
		"x a=b=c":                              {EventPattern{"x", map[string]string{"a": "b=c"}}, "x a=b=c"},
		"":                                     {text: "is empty"},
		"source=disk":                          {text: "has no kind of event"},
		"alert resolved name=lag":              {EventPattern{"alert resolved", map[string]string{"name": "lag"}}, "alert resolved name=lag"},
		"configured source=disk again":         {text: `"again" is no field`},
		"configured source=":                   {text: `"source=" is no field`},
		"configured =disk":                     {text: `"=disk" is no field`},
		"configured source=a source=b":         {text: "gives source twice"},
	} {
		var got EventPattern
		if err := got.UnmarshalText([]byte(text)); err != nil {
			if c.want.Kind != "" || !strings.Contains(err.Error(), c.text) {
				t.Errorf("%q: %v, want %q", text, err, c.text)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || got.String() != c.text {
			t.Errorf("%q is written %q, want %q (-want +got):\n%s", text, got, c.text, diff)
		}
	}
}

func TestToldIs(t *testing.T) {
	e := Event{Source: FromPlatform, Kind: "configured", Node: "east-gateway", Region: "east", Fields: map[string]string{"source": "disk", "node": "another"}}
	for line, want := range map[string]bool{
		"configured":                          true,
		"configured source=disk region=east":  true,
		"configured node=east-gateway":        true, // the event's own, not the field of that name
		"configured node=another":             false,
		"configured source=primary":           false,
		"configured source=disk region=north": false,
		"configured revision=1":               false,
		"elected":                             false,
	} {
		var pattern EventPattern
		if err := pattern.UnmarshalText([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if got := pattern.Matches(e); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
	e.Source = FromEngine
	if (EventPattern{Kind: "configured"}).Matches(e) {
		t.Error("an event of the engine matches a pattern, which is about the platform's")
	}
}
