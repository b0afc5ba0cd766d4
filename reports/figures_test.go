package reports

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/mcp-resilience/holdfast/history"
	"github.com/mcp-resilience/holdfast/internal/duration"
	"github.com/mcp-resilience/holdfast/record"
	"github.com/mcp-resilience/holdfast/topology"
)

func TestDurationsReadWell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		record.NotReached: "never", 0: "0 s", 210 * time.Microsecond: "210 µs", 1500 * time.Microsecond: "1.5 ms",
		340 * ms: "340 ms", 999700 * time.Microsecond: "1 s", 3400 * ms: "3.4 s", 34 * time.Second: "34 s",
		100 * time.Second: "1 min 40 s", 3*time.Hour + 5*time.Minute: "3 h 5 min",
	} {
		if got := duration.OrNever(d); got != want {
			t.Errorf("duration.OrNever(%d) = %q, want %q", d, got, want)
		}
	}
}

// A share that is not all must never read as all.
func TestSharesAreNotRoundedUp(t *testing.T) {
	for f, want := range map[float64]string{
		0: "0 %", 0.5: "50 %", 0.9382: "93.8 %", 0.9999: "99.99 %", 0.99996: "99.996 %", 0.9999999: "99.999 %", 1: "100 %",
	} {
		if got := share(f); got != want {
			t.Errorf("share(%v) = %q, want %q", f, got, want)
		}
	}
	if got := share(math.NaN()); got != "–" {
		t.Errorf("share(NaN) = %q", got)
	}
}

func TestCleanTextIsOneShortPrintableLine(t *testing.T) {
	for in, want := range map[string]string{
		"plain":                       "plain",
		"a\nb\tc":                     "a b c",
		"\x1b[31mred\x00":             "\uFFFD[31mred\uFFFD",
		"bad \xff utf8":               "bad \uFFFD utf8",
		"left\u202eright":             "left\uFFFDright",
		"nonchar \uFFFE":              "nonchar \uFFFD",
		"Łódź → ok":                   "Łódź → ok",
		strings.Repeat("é", maxRunes): strings.Repeat("é", maxRunes),
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := len([]rune(clean(strings.Repeat("é", maxRunes+1)))); got != maxRunes {
		t.Errorf("a long string keeps %d runes, want %d", got, maxRunes)
	}
}

func TestChartSeriesCountFromTheIntendedTime(t *testing.T) {
	op := func(intended, took time.Duration, kind history.Kind, o history.Outcome) history.Op {
		return history.Op{Region: "east", Kind: kind, Intended: intended, Call: intended + took/2, Return: intended + took, Outcome: o}
	}
	final := op(0, ms, history.SetRead, history.OK)
	final.Final = true
	r := &record.Run{
		Meta: record.Meta{Topology: topology.Topology{RegionSpecs: []topology.RegionSpec{{Region: "east"}}}},
		Ops: []history.Op{
			op(0, 10*ms, history.Write, history.OK),
			op(10*ms, 30*ms, history.CAS, history.OK),
			op(20*ms, 1001*ms, history.Add, history.OK), // acknowledged, but too late
			op(30*ms, 5*ms, history.Write, history.Unknown),
			op(250*ms, 2*time.Second, history.Write, history.Unknown),
			op(110*ms, 7*ms, history.Read, history.OK),
			final,
		},
	}
	got := chartSeriesOf(r, frame{To: 300*ms - 1, Bucket: 100 * ms})
	never, nan := record.NotReached, math.NaN()
	want := []chartSeries{
		{"east", history.Writes, []point{
			{At: 0, Due: 4, Good: 0.5, P50: 30 * ms, P99: 1001 * ms},
			{At: 100 * ms, Good: nan, P50: never, P99: never},
			{At: 200 * ms, Due: 1, Good: 0, P50: never, P99: never},
		}},
		{"east", history.Reads, []point{
			{At: 0, Good: nan, P50: never, P99: never},
			{At: 100 * ms, Due: 1, Good: 1, P50: 7 * ms, P99: 7 * ms},
			{At: 200 * ms, Good: nan, P50: never, P99: never},
		}},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("chart series (-want +got):\n%s", diff)
	}
}

func TestBucketsBoundTheLineWhateverTheLength(t *testing.T) {
	for span, want := range map[time.Duration]time.Duration{
		time.Second: 100 * ms, 59 * time.Second: 100 * ms, 90 * time.Second: 200 * ms,
		10 * time.Minute: 2 * time.Second, 24 * time.Hour: 200 * time.Second,
	} {
		if got := bucketOf(span, 100*ms); got != want || int(span/got) >= maxPoints {
			t.Errorf("bucketOf(%v) = %v, want %v", span, got, want)
		}
	}
}

// A checker that could not tell leaves zeros; they must not read as a perfect score.
func TestAnUnmeasuredRTOIsNoZero(t *testing.T) {
	r := passing()
	r.Result.RTO.Worst, r.Result.RTO.Min, r.Result.RTO.Max = 0, 0, 0
	r.Result.Findings[0].Verdict, r.Result.Findings[0].Description = record.Vacuous, "RTO not measured: no baseline"
	r.Result.Verdict = record.Vacuous
	h := headlineOf(r)
	if !strings.Contains(h.Description, "RTO not measured: no baseline;") || strings.Contains(h.Description, "RTO 0") || !h.Surprise {
		t.Errorf("headline %+v", h)
	}
	if got := cards(r)[0].Figure; got != "–" {
		t.Errorf("RTO card shows %q", got)
	}
	r.Result.Findings[0].Verdict = record.Pass
	if got := headlineOf(r).Description; !strings.Contains(got, "RTO 0") {
		t.Errorf("a measured zero reads %q", got)
	}
}

// Losses are a share of the writes whose loss would show, and of those of them that were acknowledged while the fault lasted.
// The terminal has three lines for them, however many there are.
func TestLossSharesAreOfTheSameKind(t *testing.T) {
	groups := []record.LossGroup{{Node: "east-redis", Region: "east", Count: 188, From: 100 * ms, To: 15200 * ms, Faults: []string{"1-isolate"}}}
	for _, c := range []struct {
		name string
		rpo  record.RPO
		want string
	}{
		{
			"lost while the fault lasted",
			record.RPO{Acked: 1976, LostCount: 188, Judged: 790, JudgedDuringFaults: 480, LostDuringFaults: 188, LossGroups: groups},
			"188 acknowledged writes lost of 790 whose loss would show (23.7 %), 188 of the 480 acknowledged while a fault lasted (39.1 %)",
		},
		{"lost before it", record.RPO{Acked: 1976, LostCount: 2, Judged: 790, JudgedDuringFaults: 480, LossGroups: groups}, "2 acknowledged writes lost of 790 whose loss would show (0.2 %)"},
		{"nothing lost", record.RPO{Acked: 1976, Judged: 790}, "nothing lost of 790 acknowledged writes whose loss would show"},
		{"judged by an earlier version", record.RPO{Acked: 1976, LostCount: 188}, "188 acknowledged writes lost"},
	} {
		if got := loss(&c.rpo, record.Pass); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		var b strings.Builder
		terminalRPO(&b, &c.rpo, record.Fail)
		if n := strings.Count(strings.TrimSpace(b.String()), "\n"); n > 2 {
			t.Errorf("%s: %d lines in the terminal, want three at most:\n%s", c.name, n+1, b.String())
		}
		if want := "all 188 were acknowledged by east-redis to clients in east between +100 ms and +15.2 s of the request of 1-isolate"; c.rpo.LossGroups != nil && !strings.Contains(b.String(), want) {
			t.Errorf("%s: %q is not in\n%s", c.name, want, b.String())
		}
	}
}

// Neither may a loss that could not be told, nor may a read that failed once
// and then succeeded spoil a loss that could.
func TestAnUnmeasuredRPOIsNoZero(t *testing.T) {
	r := passing()
	r.Result.RPO.FinalReadsFailed = 3
	if got := loss(r.Result.RPO, record.Pass); got != "nothing lost of 2,612 acknowledged writes" {
		t.Errorf("with reads tried again: %q", got)
	}
	r.Result.Findings[1].Verdict, r.Result.Findings[1].Description = record.Unknown, "what was lost is unknown"
	if got := headlineOf(r).Description; !strings.Contains(got, "what was lost is unknown") {
		t.Errorf("headline %q", got)
	}
	if got := cards(r)[1].Figure; got != "unknown" {
		t.Errorf("RPO card shows %q", got)
	}
	r.Result.RPO.LostCount = 1500
	if got := cards(r)[1].Figure; got != "1,500 lost" {
		t.Errorf("RPO card shows %q", got)
	}
}

func TestHeadlineSaysWhatWasExpected(t *testing.T) {
	unnamed := lost() // as records were before controls said what they break
	unnamed.Result.ExpectedFailures = nil
	unfelt := lost()
	unfelt.Result.Findings = append(unfelt.Result.Findings, record.Finding{Check: "fault 2-kill", Verdict: record.Vacuous})
	for name, c := range map[string]struct {
		run      *record.Run
		expected string
		surprise bool
	}{
		"pass as expected":  {passing(), "", false},
		"negative control":  {lost(), "came out fail, as expected: rpo failed", false},
		"without its fault": {unfelt, "came out fail, but fault 2-kill is vacuous: NOT as expected", true},
		"another promise":   {beside(), "came out fail, but rpo should have failed and is pass: NOT as expected", true},
		"before breaks":     {unnamed, "expected fail, came out fail: as expected", false},
		"unexpected":        {undecided(), "expected pass, came out unknown: NOT as expected", true},
		"not judged at all": {interrupted(), "", true},
	} {
		h := headlineOf(c.run)
		if h.Expected != c.expected || h.Surprise != c.surprise {
			t.Errorf("%s: %q, surprise %v", name, h.Expected, h.Surprise)
		}
	}
}

// Clients that were refused for lack of a majority had an outage, whatever the
// RTO, which then counts from the heal.
func TestHeadlineOwnsUpToAnOutageByDesign(t *testing.T) {
	r := split()
	for _, c := range []struct {
		name, want string
		change     func()
	}{
		{"back at once", "No quorum for 19.9 s, by design; service back 0 s after heal (objective 30 s);", func() {}},
		{"back later", "No quorum for 19.9 s, by design; service back 2 s after heal (objective 30 s);", func() { r.Result.RTO.Worst = 2 * time.Second }},
		{"never back", "service did not recover in 2 s after heal (objective 30 s);", func() { r.Result.RTO.Recovered = false }},
		{"a majority was left", "Every client was without a quorum for a time, by design;", func() { r.Result.QuorumLoss = nil }},
		{"one region could be served", "No outage (RTO 0, objective 30 s);", func() {
			o := r.Result.RTO
			o.Worst, o.Recovered, o.Series[0].FromHeal = 0, true, false
		}},
	} {
		c.change()
		if got := headlineOf(r).Description; !strings.Contains(got, c.want) {
			t.Errorf("%s: headline %q, want %q", c.name, got, c.want)
		}
	}
}

// A fault whose heal failed, or was never seen, lasts until the end of the run: the checks
// count it so, and the chart must not show it as over.
func TestUnhealedFaultLastsToTheEndOfTheChart(t *testing.T) {
	healed := passing().Faults[0].Heal
	for name, c := range map[string]struct {
		heal      record.Times
		healError string
		toTheEnd  bool
	}{
		"healed":           {healed, "", false},
		"heal failed":      {healed, "no such node", true},
		"heal never seen":  {record.Times{Requested: healed.Requested, Confirmed: record.NotReached, Effective: record.NotReached}, "", true},
		"no heal":          {record.Times{Requested: record.NotReached, Confirmed: record.NotReached, Effective: record.NotReached}, "", true},
		"heal not watched": {record.Times{Requested: healed.Requested, Confirmed: healed.Confirmed, Effective: record.NotReached}, "", false},
	} {
		r := passing()
		r.Faults[0].Heal, r.Faults[0].HealError = c.heal, c.healError
		chart, err := timelineOf(r)
		if err != nil {
			t.Fatal(err)
		}
		bar, band := chart.Faults[0], bandsOf(r, frameOf(r))[0]
		if got := bar.X+bar.W == plotWidth-plotRight; got != c.toTheEnd {
			t.Errorf("%s: the bar reaches the end of the chart: %v, want %v", name, got, c.toTheEnd)
		}
		if got := band.to == frameOf(r).To.Seconds(); got != c.toTheEnd {
			t.Errorf("%s: the band reaches the end of the chart: %v, want %v", name, got, c.toTheEnd)
		}
	}
}

func TestFirstErrorIsTheFirstAfterTheFault(t *testing.T) {
	op := func(id int64, intended, took time.Duration, o history.Outcome) history.Op {
		return history.Op{ID: id, Kind: history.Write, Intended: intended, Return: intended + took, Outcome: o}
	}
	r := &record.Run{
		Faults: []record.Fault{{Inject: record.Times{Requested: 10 * time.Second}}},
		Ops: []history.Op{
			op(1, time.Second, ms, history.Failed),         // long before
			op(4, 11*time.Second, ms, history.Unknown),     // after, but not first
			op(2, 9*time.Second, ms, history.OK),           // fine
			op(3, 9900*ms, 2*time.Second, history.Unknown), // under way when it struck
		},
	}
	e := firstErrorOf(r)
	if e == nil {
		t.Fatal("no first error")
	}
	if e.Earlier != 1 || !strings.HasPrefix(e.Facts[0].Value, "3,") || !strings.Contains(e.After, "100 ms before") {
		t.Errorf("earlier %d, %q, %q", e.Earlier, e.Facts[0].Value, e.After)
	}
	r.Ops = r.Ops[2:3]
	if e := firstErrorOf(r); e != nil {
		t.Errorf("an error without one: %+v", e)
	}
}

func TestHeatTellsSlowFromCut(t *testing.T) {
	link := topology.Link{From: topology.Endpoint{Node: "a"}, To: "b"}
	base := map[topology.Link]time.Duration{link: 30 * ms}
	for name, c := range map[string]struct {
		sample record.LinkSample
		want   heatmapCell
	}{
		"as before": {record.LinkSample{Link: link, RTT: 31 * ms}, heatmapCell{"31 ms", "a→b: 31 ms", "ok"}},
		"slow":      {record.LinkSample{Link: link, RTT: 90 * ms}, heatmapCell{"▲ 90 ms", "a→b: 90 ms, first measured 30 ms", "slow"}},
		"cut":       {record.LinkSample{Link: link, Error: "dial: i/o timeout"}, heatmapCell{"✖ timeout", "a→b: dial: i/o timeout", "cut"}},
		"refused":   {record.LinkSample{Link: link, Error: "connection refused"}, heatmapCell{"✖ refused", "a→b: connection refused", "cut"}},
	} {
		if diff := cmp.Diff(c.want, cellOf(c.sample, true, base[link])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	// A jitter of microseconds on a link that takes microseconds is not slow.
	if got := cellOf(record.LinkSample{Link: link, RTT: 900 * time.Microsecond}, true, 200*time.Microsecond).Class; got != "ok" {
		t.Errorf("microseconds are %s", got)
	}
}

// Faults that overlap lie on rows of their own; one that never healed lasts to the end.
func TestOverlappingFaultsDoNotHideEachOther(t *testing.T) {
	r := skeleton()
	add := func(id string, from, to time.Duration) {
		r.Faults = append(r.Faults, record.Fault{ID: id, Description: id, Inject: record.Times{Requested: from, Effective: record.NotReached}, Heal: record.Times{Requested: to, Effective: record.NotReached}})
	}
	add("2-pause", 20*time.Second, 30*time.Second)
	add("3-cut", 40*time.Second, record.NotReached)
	add("4-not-injected", record.NotReached, record.NotReached)
	r.Ops = load(r, 5, 3*time.Second, 48*time.Second)
	tl, err := timelineOf(r)
	if err != nil {
		t.Fatal(err)
	}
	if len(tl.Faults) != 3 {
		t.Fatalf("%d faults are drawn, want 3", len(tl.Faults))
	}
	if a, b := tl.Faults[0], tl.Faults[1]; a.Y == b.Y {
		t.Errorf("overlapping faults share row %d", a.Y)
	}
	if c := tl.Faults[2]; c.X+c.W != plotWidth-plotRight {
		t.Errorf("a fault without heal ends at %d, want %d", c.X+c.W, plotWidth-plotRight)
	}
}

// Elections close to each other keep their words apart, on rows of their own.
func TestElectionsDoNotOverlap(t *testing.T) {
	r := skeleton()
	r.Ops = load(r, 5, 3*time.Second, 48*time.Second)
	for i := range 3 {
		r.Events = append(r.Events, record.Event{At: 17*time.Second + time.Duration(i)*300*ms, Source: record.FromPlatform, Kind: "elected", Node: "south-1", Fields: map[string]string{"term": "4"}})
	}
	tl, err := timelineOf(r)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[int]bool{}
	for _, m := range tl.Leaders[1:] {
		if m.Text == "" || rows[m.Y] {
			t.Errorf("election at %d has words %q on row %d", m.X, m.Text, m.Y)
		}
		rows[m.Y] = true
	}
	if len(rows) != 4 {
		t.Errorf("%d rows for four elections within a second", len(rows))
	}
}

// Every report says of what the cut-off side acknowledged that it is that, and calls it no service.
func TestServiceByTheCutOffSideIsCalledThat(t *testing.T) {
	r := passing()
	j := r.Result
	j.RTO.CutOff, j.Availability.CutOff = 1405, 1405
	j.RTO.Series[0].CutOff, j.RTO.Series[0].FromHeal = 1405, true
	j.Availability.Series[0].CutOff = 1405
	const clause = "served by the cut-off side: 1,405 acknowledgements"
	if h := headlineOf(r); !strings.Contains(strings.ToLower(h.Description), clause) {
		t.Errorf("the headline is %q", h.Description)
	}
	var page, summary, terminal strings.Builder
	for _, err := range []error{HTML(&page, r), Summary(&summary, r), Terminal(&terminal, r, "", false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"page": page.String(), "summary": summary.String(), "terminal": terminal.String()} {
		if !strings.Contains(text, clause) {
			t.Errorf("the %s says nothing of the cut-off side", name)
		}
	}
	if row := seriesRow(j.RTO.Series[0], j.RTO.Objective, false); row.Note != "counted from heal; "+clause {
		t.Errorf("the series is noted as %q", row.Note)
	}
	if c := cards(r); !strings.Contains(c[2].Note, clause+", not counted") {
		t.Errorf("the card of availability says %q", c[2].Note)
	}
}

// Of a record that nothing vouches for, every report says so.
func TestARecordWithoutChecksumsIsCalledThat(t *testing.T) {
	r := passing()
	r.NoChecksums = true
	var page, summary, terminal strings.Builder
	for _, err := range []error{HTML(&page, r), Summary(&summary, r), Terminal(&terminal, r, "", false)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{"page": page.String(), "summary": summary.String(), "terminal": terminal.String()} {
		if !strings.Contains(text, "The record has no checksums") {
			t.Errorf("the %s does not say that the record has no checksums", name)
		}
	}
}
