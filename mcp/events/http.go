package events

import (
	"encoding/json"
	"net/http"
)

// Serve streams the diary as newline-delimited JSON: all that is kept, then
// each event as it happens, until the reader goes or done is closed.
func (d *Diary) Serve(done <-chan struct{}) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/x-ndjson")
		flush := http.NewResponseController(w)
		enc := json.NewEncoder(w)
		var seen uint64
		for {
			news, more := d.After(seen)
			for _, e := range news {
				if enc.Encode(e) != nil {
					return
				}
				seen = e.Seq
			}
			if flush.Flush() != nil {
				return
			}
			select {
			case <-more:
			case <-done:
				// what was noted while stopping is worth a last look
				news, _ := d.After(seen)
				for _, e := range news {
					_ = enc.Encode(e)
				}
				return
			case <-r.Context().Done():
				return
			}
		}
	}
}
