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

// play tells an opinion a series of probes, in ms each, and -1 for no answer.
// It returns the kinds of the events they caused, and the peer's last stage.
func play(o *opinion, ms ...float64) (told string) {
	var out []string
	for _, m := range ms {
		rtt, err := time.Duration(m*float64(time.Millisecond)), error(nil)
		if m < 0 {
			rtt, err = 0, errors.New("deadline exceeded")
		}
		tell, ask := o.hear(rtt, err)
		for _, s := range tell {
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

func TestAnOpinionIsMadeOfProbes(t *testing.T) {
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
		{"a lasting slow-down strikes, is doubted, and becomes the new normal", swift, repeat(20, 30), repeat(20, 110), "strike strike strike pending ask ask cleared", trusted},
		{"silence is not usual, however long", swift, append(repeat(20, 30), repeat(50, -1)...), []float64{31, -1, -1, -1}, "cleared strike strike strike pending ask", pending},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := newOpinion("east-1", tc.timing)
			play(o, tc.before...)
			if diff := cmp.Diff(tc.want, play(o, tc.probes...)); diff != "" {
				t.Errorf("told (-want +got):\n%s", diff)
			}
			if o.stage != tc.stage {
				t.Errorf("stage %d, want %d", o.stage, tc.stage)
			}
		})
	}
}

// Even jitter rarely exceeds mean + 2σ three times in a row: of 200 half hours
// on one link not one in three sees a witness asked after the storm's onset. That
// the peer answers the witness is what then keeps the alarm away.
func TestAJitterStormIsSoonTheNewNormal(t *testing.T) {
	doubts := 0
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 0))
		o := newOpinion("east-1", swift)
		play(o, repeat(20, 30)...)
		for i := range 3600 {
			told := play(o, 30+90*r.Float64()+90*r.Float64())
			if strings.Contains(told, "suspect") {
				t.Fatalf("seed %d: suspected at probe %d of a peer that answers", seed, i)
			}
			if i > swift.Window && strings.Contains(told, "pending") {
				doubts++
			}
		}
	}
	t.Logf("pending %d times in 200 half hours", doubts)
	if doubts > 66 {
		t.Errorf("pending %d times in 200 half hours, want at most 66", doubts)
	}
}

func TestAWitnessMakesASuspect(t *testing.T) {
	silent := newOpinion("east-1", swift)
	play(silent, -1, -1, -1)
	told := silent.agree("south-1", "deadline exceeded")
	if len(told) != 1 || told[0].kind != "suspect" || told[0].fields["witness"] != "south-1" || silent.stage != suspected {
		t.Errorf("a witness agreed: told %v, stage %d", told, silent.stage)
	}
	if told := play(silent, -1, -1, 30); told != "cleared" {
		t.Errorf("a suspect's silence and answer told %q, want cleared alone", told)
	}

	back := newOpinion("east-1", swift)
	play(back, -1, -1, -1, 30)
	if told := back.agree("south-1", "late"); told != nil || back.stage != trusted {
		t.Errorf("a witness's word that came too late told %v, stage %d", told, back.stage)
	}
}

func TestEventsCarryFigures(t *testing.T) {
	o := newOpinion("east-1", swift)
	play(o, repeat(20, 30)...)
	tell, _ := o.hear(200*time.Millisecond, nil)
	want := map[string]string{"peer": "east-1", "strike": "1", "rtt": "200.0", "mean": "30.0", "sigma": "0.0", "limit": "50.0"}
	if diff := cmp.Diff(want, tell[0].fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
}
