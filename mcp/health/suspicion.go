package health

import (
	"fmt"
	"strconv"
	"time"

	"github.com/mcp-resilience/holdfast/mcp/api/events"
)

// stage is how far this node has come in doubting a peer.
type stage int

// The stages. With adaptive detection a suspicion waits in pending until a
// witness agrees; without, enough strikes are enough.
const (
	trusted stage = iota
	pending
	suspected
)

// opinion is what one node thinks of one peer. It knows no clock and no
// network, so that a series of probes can be played to it.
type opinion struct {
	peer string
	Timing
	window   window
	strikes  int // in a row
	stage    stage
	answered bool // at least one probe, at all
}

func newOpinion(peer string, t Timing) *opinion {
	return &opinion{peer: peer, Timing: t, window: window{size: t.Window}}
}

// formed says whether there have been probes enough to tell how the peer is.
func (o *opinion) formed() bool { return o.answered || o.stage == suspected }

// said is one event to tell.
type said struct {
	kind   events.Kind
	says   string
	fields map[string]string
}

// hear takes in a probe's outcome. It says whether a witness must be asked.
func (o *opinion) hear(rtt time.Duration, err error) (tell []said, ask bool) {
	o.answered = o.answered || err == nil
	limit := o.Timeout
	fields := map[string]string{"peer": o.peer}
	if o.Window > 0 {
		mean, sigma := o.window.figures()
		limit = o.window.limit(o.Floor, o.Timeout)
		fields["mean"], fields["sigma"], fields["limit"] = inMS(mean), inMS(sigma), inMS(limit)
	}
	what := "did not answer"
	if err == nil {
		fields["rtt"] = inMS(rtt)
		if o.Window > 0 {
			o.window.add(rtt)
		}
		if rtt <= limit {
			return o.trust(fields), false
		}
		what = fmt.Sprintf("answered in %s ms, slower than %s", inMS(rtt), inMS(limit))
	} else {
		fields["error"] = err.Error()
	}
	if o.stage == suspected {
		return nil, false // known; saying so at every probe would bury the rest
	}
	if o.strikes < o.Strikes {
		o.strikes++
		fields["strike"] = strconv.Itoa(o.strikes)
		tell = append(tell, said{events.Strike, fmt.Sprintf("%s %s, strike %d of %d", o.peer, what, o.strikes, o.Strikes), fields})
	}
	if o.strikes < o.Strikes {
		return tell, false
	}
	if o.Window == 0 || o.noWitness {
		return append(tell, o.suspect(map[string]string{"peer": o.peer}, "")), false
	}
	if o.stage == trusted {
		o.stage = pending
		tell = append(tell, said{events.Pending, o.peer + " is doubted, a witness is asked", fields})
	}
	return tell, true
}

// trust is what an answer in time does.
func (o *opinion) trust(fields map[string]string) (tell []said) {
	if o.stage != trusted {
		tell = []said{{events.Cleared, o.peer + " answers again", fields}}
	}
	o.strikes, o.stage = 0, trusted
	return tell
}

// agree is what a witness's word does that the peer does not answer it either.
// It is too late when the peer has answered meanwhile.
func (o *opinion) agree(witness, why string) []said {
	if o.stage != pending {
		return nil
	}
	return []said{o.suspect(map[string]string{"peer": o.peer, "witness": witness, "error": why}, ": it does not answer "+witness+" either")}
}

func (o *opinion) suspect(fields map[string]string, why string) said {
	o.stage = suspected
	return said{events.Suspect, o.peer + " is suspected" + why, fields}
}

func inMS(d time.Duration) string {
	return strconv.FormatFloat(float64(d)/float64(time.Millisecond), 'f', 1, 64)
}
