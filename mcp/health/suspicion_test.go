package health

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// swift is the default profile's timing.
var swift = Timing{Timeout: 400 * time.Millisecond, Interval: 500 * time.Millisecond, Strikes: 3, Window: 20, Floor: 20 * time.Millisecond}

var fixed = Timing{Timeout: 400 * time.Millisecond, Interval: 500 * time.Millisecond, Strikes: 3}

// play feeds a suspicion a series of probes, in ms each, and -1 for no answer.
// It returns the kinds of the events they caused, and the peer's last stage.
func play(o *suspicion, ms ...float64) (noted string) {
	var out []string
	for _, m := range ms {
		rtt, err := time.Duration(m*float64(time.Millisecond)), error(nil)
		if m < 0 {
			rtt, err = 0, errors.New("deadline exceeded")
		}
		found, ask := o.observe(rtt, err)
		for _, s := range found {
			out = append(out, string(s.kind))
		}
		if ask {
			out = append(out, "ask")
		}
	}
	return strings.Join(out, " ")
}

func repeat(n int, ms float64) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = ms
	}
	return out
}

func TestASuspicionFollowsFromProbes(t *testing.T) {
	for _, tc := range []struct {
		name   string
		timing Timing
		before []float64 // not looked at
		probes []float64
		want   string
		stage  stage
	}{
		{"silence: three strikes, then a witness is asked at every probe", swift, repeat(20, 30), repeat(4, -1), "strike strike strike pending ask ask", pending},
		{"silence from the start", swift, nil, repeat(3, -1), "strike strike strike pending ask", pending},
		{"fixed detection asks nobody", fixed, repeat(20, 30), repeat(4, -1), "strike strike strike suspect", suspected},
		{"fixed detection knows no slowness", fixed, repeat(20, 30), repeat(9, 399), "", trusted},
		{"an answer in time starts the count anew", swift, repeat(20, 30), []float64{-1, -1, 30, -1, -1, 30}, "strike strike strike strike", trusted},
		{"an answer in time clears what is pending", swift, repeat(20, 30), []float64{-1, -1, -1, 30}, "strike strike strike pending ask cleared", trusted},
		{"a quiet link does not strike on noise below the floor", swift, repeat(20, 0.2), []float64{15, 18, 10, 19}, "", trusted},
		{"an outlier is one strike", swift, repeat(20, 30), []float64{200, 30, 30}, "strike", trusted},
		{"few answers say nothing of what is usual", swift, repeat(4, 1), []float64{300}, "", trusted},
		{"the limit never exceeds the timeout", swift, []float64{10, 390, 10, 390, 10, 390, 10, 390, 10, 390}, []float64{401}, "strike", trusted},
		{"a lasting slow-down strikes, is pending, and becomes the new normal", swift, repeat(20, 30), repeat(20, 110), "strike strike strike pending ask ask cleared", trusted},
		{"silence is not usual, however long", swift, append(repeat(20, 30), repeat(50, -1)...), []float64{31, -1, -1, -1}, "cleared strike strike strike pending ask", pending},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newSuspicion("east-1", tc.timing)
			play(o, tc.before...)
			if diff := cmp.Diff(tc.want, play(o, tc.probes...)); diff != "" {
				t.Errorf("noted (-want +got):\n%s", diff)
			}
			if o.stage != tc.stage {
				t.Errorf("stage %d, want %d", o.stage, tc.stage)
			}
		})
	}
}

// Jitter rarely exceeds mean + 2σ three times in a row: of 200 half hours on one link,
// fewer than one in three sees a witness asked once the window has filled. The peer's answer
// to the witness then prevents the alarm.
func TestLastingJitterSoonCountsAsUsual(t *testing.T) {
	pendings := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		o := newSuspicion("east-1", swift)
		play(o, repeat(20, 30)...)
		for i := range 3600 {
			noted := play(o, 30+90*r.Float64()+90*r.Float64())
			if strings.Contains(noted, "suspect") {
				t.Fatalf("seed %d: suspected at probe %d of a peer that answers", seed, i)
			}
			if i > swift.Window && strings.Contains(noted, "pending") {
				pendings++
			}
		}
	}
	t.Logf("pending %d times in 200 half hours", pendings)
	if pendings > 66 {
		t.Errorf("pending %d times in 200 half hours, want at most 66", pendings)
	}
}

func TestAWitnessConfirmsASuspicion(t *testing.T) {
	silent := newSuspicion("east-1", swift)
	play(silent, -1, -1, -1)
	noted := silent.confirm("south-1", "deadline exceeded")
	if len(noted) != 1 || noted[0].kind != "suspect" || noted[0].fields["witness"] != "south-1" || silent.stage != suspected {
		t.Errorf("a witness agreed: events %v, stage %d", noted, silent.stage)
	}
	if noted := play(silent, -1, -1, 30); noted != "cleared" {
		t.Errorf("a suspect's silence and answer caused %q, want cleared alone", noted)
	}

	back := newSuspicion("east-1", swift)
	play(back, -1, -1, -1, 30)
	if noted := back.confirm("south-1", "late"); noted != nil || back.stage != trusted {
		t.Errorf("a witness's word that came too late caused %v, stage %d", noted, back.stage)
	}
}

func TestEventsCarryFigures(t *testing.T) {
	o := newSuspicion("east-1", swift)
	play(o, repeat(20, 30)...)
	found, _ := o.observe(200*time.Millisecond, nil)
	want := map[string]string{"peer": "east-1", "strike": "1", "rtt": "200.0", "mean": "30.0", "sigma": "0.0", "limit": "50.0"}
	if diff := cmp.Diff(want, found[0].fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
