package eventlog_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
	"github.com/mcp-resilience/holdfast/mcp/eventlog"
)

func TestALateReaderGetsEachEventOnceAndInOrder(t *testing.T) {
	d := eventlog.New("east-1", "east")
	done := make(chan struct{})
	srv := httptest.NewServer(d.Stream(done))
	defer srv.Close()
	d.Emit(events.Started, "0", nil)
	d.Emit(events.Strike, "1", nil)
	r, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	lines := bufio.NewScanner(r.Body)
	var got, want []string
	for i := range 20 {
		if i >= 2 {
			d.Emit(events.Strike, fmt.Sprint(i), nil)
		}
		if !lines.Scan() {
			t.Fatalf("the stream ended after %d events: %v", i, lines.Err())
		}
		var e events.Event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%d %s %s", e.Seq, e.Node, e.Description))
		want = append(want, fmt.Sprintf("%d east-1 %d", i+1, i))
		if e.Wall.IsZero() || e.Start == "" {
			t.Errorf("event without a time or an incarnation: %+v", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	close(done)
	if lines.Scan() {
		t.Errorf("an event after the end: %s", lines.Text())
	}
}
