package record

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestToldIsReadAndWritten(t *testing.T) {
	for text, c := range map[string]struct {
		want EventPattern
		says string // the line as it is written again, or the error
	}{
		"elected":                              {EventPattern{Kind: "elected"}, "elected"},
		" configured  source=disk  node=east ": {EventPattern{"configured", map[string]string{"source": "disk", "node": "east"}}, "configured node=east source=disk"},
		"x a=b=c":                              {EventPattern{"x", map[string]string{"a": "b=c"}}, "x a=b=c"},
		"":                                     {says: "is empty"},
		"source=disk":                          {says: "has no kind of event"},
		"alert resolved name=lag":              {EventPattern{"alert resolved", map[string]string{"name": "lag"}}, "alert resolved name=lag"},
		"configured source=disk again":         {says: `"again" is no field`},
		"configured source=":                   {says: `"source=" is no field`},
		"configured =disk":                     {says: `"=disk" is no field`},
		"configured source=a source=b":         {says: "says source twice"},
	} {
		var got EventPattern
		if err := got.UnmarshalText([]byte(text)); err != nil {
			if c.want.Kind != "" || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q: %v, want %q", text, err, c.says)
			}
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" || got.String() != c.says {
			t.Errorf("%q is written %q, want %q (-want +got):\n%s", text, got, c.says, diff)
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
		var told EventPattern
		if err := told.UnmarshalText([]byte(line)); err != nil {
			t.Fatal(err)
		}
		if got := told.Matches(e); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
	e.Source = FromEngine
	if (EventPattern{Kind: "configured"}).Matches(e) {
		t.Error("what the engine says is taken for the platform's")
	}
}
