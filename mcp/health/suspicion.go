package health

import (
	"fmt"
	"strconv"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// stage is how far this node's suspicion of a peer has come.
type stage int

// The stages. With adaptive detection a suspicion stays pending until a witness agrees;
// with fixed detection strikes alone are enough.
const (
	trusted stage = iota
	pending
	suspected
)

// suspicion is one node's judgement of one peer. It uses neither clock nor network, so that
// a test can feed it a series of probes.
type suspicion struct {
	peer string
	Timing
	window   rttWindow
	strikes  int // in a row
	stage    stage
	answered bool // at least one probe so far
}

func newSuspicion(peer string, t Timing) *suspicion {
	return &suspicion{peer: peer, Timing: t, window: rttWindow{size: t.Window}}
}

// informed reports whether the peer has been probed for long enough to say how it is.
func (s *suspicion) informed() bool { return s.answered || s.stage == suspected }

// event is an event to be noted.
type event struct {
	kind        events.Kind
	description string
	fields      map[string]string
}

// observe takes the outcome of a probe. It returns the events that follow from it, and
// whether a witness must be asked.
func (s *suspicion) observe(rtt time.Duration, err error) (out []event, askWitness bool) {
	s.answered = s.answered || err == nil
	limit := s.Timeout
	fields := map[string]string{"peer": s.peer}
	if s.Window > 0 {
		mean, sigma := s.window.meanStddev()
		limit = s.window.slowLimit(s.Floor, s.Timeout)
		fields["mean"], fields["sigma"], fields["limit"] = inMS(mean), inMS(sigma), inMS(limit)
	}
	what := "did not answer"
	if err == nil {
		fields["rtt"] = inMS(rtt)
		if s.Window > 0 {
			s.window.add(rtt)
		}
		if rtt <= limit {
			return s.clear(fields), false
		}
		what = fmt.Sprintf("answered in %s ms, slower than %s", inMS(rtt), inMS(limit))
	} else {
		fields["error"] = err.Error()
	}
	if s.stage == suspected {
		return nil, false // an event at every further probe would bury the others
	}
	if s.strikes < s.Strikes {
		s.strikes++
		fields["strike"] = strconv.Itoa(s.strikes)
		out = append(out, event{events.Strike, fmt.Sprintf("%s %s, strike %d of %d", s.peer, what, s.strikes, s.Strikes), fields})
	}
	if s.strikes < s.Strikes {
		return out, false
	}
	if s.Window == 0 || s.noWitness {
		return append(out, s.raise(map[string]string{"peer": s.peer}, "")), false
	}
	if s.stage == trusted {
		s.stage = pending
		out = append(out, event{events.Pending, s.peer + " is pending: a witness is asked", fields})
	}
	return out, true
}

// clear ends the suspicion, after an answer in time.
func (s *suspicion) clear(fields map[string]string) (out []event) {
	if s.stage != trusted {
		out = []event{{events.Cleared, s.peer + " answers again", fields}}
	}
	s.strikes, s.stage = 0, trusted
	return out
}

// confirm raises the suspicion when a witness gets no answer from the peer either. It
// does nothing if the peer has answered meanwhile.
func (s *suspicion) confirm(witness, reason string) []event {
	if s.stage != pending {
		return nil
	}
	return []event{s.raise(map[string]string{"peer": s.peer, "witness": witness, "error": reason}, ": it does not answer "+witness+" either")}
}

func (s *suspicion) raise(fields map[string]string, because string) event {
	s.stage = suspected
	return event{events.Suspect, s.peer + " is suspected" + because, fields}
}

func inMS(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
}
