// Command figures runs the benchmarks and prints each figure that holdfast
// promises beside its objective. It measures nothing itself. Benchmark output
// goes to standard error, the table to standard output; the exit status is 1
// when a figure could not be measured, and 0 also when one missed its
// objective, for a busy machine is no defect.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// suite is one run of go test.
type suite struct{ pkg, bench, time string }

// suites are run one after the other, since each wants the machine for itself.
var suites = []suite{
	{"./e2e/bench", "^BenchmarkStart$", "1x"},
	{"./e2e/bench", "^BenchmarkDrill$", "1x"},
	{"./e2e/bench", "^BenchmarkKnownOutage$", "1x"},
	{"./e2e/bench", "^BenchmarkStorm$", "1x"},
	{"./e2e/bench", "^BenchmarkRegionLoss$", "1x"},
	{"./e2e/bench", "^BenchmarkWrites$", "1x"},
	{"./cluster/links", "^BenchmarkLink$", "2s"},
	{"./history", "^BenchmarkRecord$", "2s"},
	{"./check", "^BenchmarkJudgeMillion$", "1x"},
	{"./workload", "^BenchmarkJitter$", "1x"},
	{"./mcp/consensus", "^BenchmarkMillion$", "1x"},
}

// figure is one row of the table: a metric of a benchmark, and what it should be.
type figure struct {
	says, bench, unit string
	objective         objective // nil: there is none, printed for information
	beside            []string
}

type objective interface {
	fmt.Stringer
	reached(v float64) bool
}

type (
	atMost  float64
	atLeast float64
)

func (o atMost) reached(v float64) bool  { return v <= float64(o) }
func (o atMost) String() string          { return "≤ " + number(float64(o)) }
func (o atLeast) reached(v float64) bool { return v >= float64(o) }
func (o atLeast) String() string         { return "≥ " + number(float64(o)) }

var figures = []figure{
	{"start, 3 regions × 1 node ÷ 6 bare containers and an election", "Start/3x1", "start-ratio", atMost(1.5), []string{"s-run", "s-bare+election"}},
	{"start, 3 regions × 3 nodes ÷ 18 bare containers and an election", "Start/3x3", "start-ratio", atMost(2), []string{"s-run", "s-bare+election"}},
	{"drill beyond its own timeline, containers", "Drill/docker", "s-beyond", atMost(5), phases},
	{"drill beyond its own timeline, local", "Drill/local", "s-beyond", atMost(2), phases},
	{"RTO error, outage of 100 ms: one bucket of 100 ms and 10 ms", "KnownOutage/100ms", "ms-error", atMost(110), known},
	{"RTO error, outage of 1 s: one bucket of 100 ms and 10 ms", "KnownOutage/1s", "ms-error", atMost(110), known},
	{"RTO error, outage of 10 s: one bucket of 100 ms and 10 ms", "KnownOutage/10s", "ms-error", atMost(110), known},
	{"false switches under jitter at three times the baseline", "Storm", "switches", atMost(0), stormy},
	{"false alarms under jitter at three times the baseline", "Storm", "alarms", atMost(0), stormy},
	{"RTO of losing the main region, default profile, median", "RegionLoss/adaptive", "s-median", atMost(5), lost},
	{"RTO of losing the main region, default profile, worst", "RegionLoss/adaptive", "s-worst", atMost(8), lost},
	{"RTO of losing the main region, seed profile", "RegionLoss/seed", "s-worst", atMost(30), []string{"s-served-worst"}},
	{"a strong write over 30 ms links ÷ one round trip, local", "Writes/local", "trips", atMost(1.3), written},
	{"a strong write over 30 ms links ÷ one round trip, containers", "Writes/etcd", "trips", atMost(1.3), append(written, "etcd-trips")},
	{"strong writes of 64 writers: throughput ÷ etcd's", "Writes/etcd", "throughput-ratio", atLeast(0.8), []string{"writes/s", "etcd-writes/s"}},
	{"strong writes of 64 writers: latency ÷ etcd's", "Writes/etcd", "latency-ratio", nil, []string{"ms-crowded", "etcd-ms-crowded"}},
	{"link: round trip ÷ direct", "Link/round_trip", "rt-ratio", nil, []string{"proxied-µs/rt", "direct-µs/rt"}},
	{"link: throughput ÷ direct", "Link/throughput", "throughput-ratio", nil, []string{"proxied-MB/s", "direct-MB/s"}},
	{"recording one operation", "Record", "ns/op", atMost(2000), nil},
	{"judging 1,000,000 operations by search", "JudgeMillion/search", "s-judge", atMost(15), []string{"s-load"}},
	{"judging 1,000,000 operations by order", "JudgeMillion/order", "s-judge", atMost(15), []string{"s-load"}},
	{"memory of judging by search", "JudgeMillion/search", "MB-peak", atMost(1500), nil},
	{"memory of judging by order", "JudgeMillion/order", "MB-peak", atMost(1500), nil},
	{"1,000,000 writes on 3 nodes with snapshots: restart to serving", "Million", "s-restart", atMost(3), []string{"s-cpu", "writes/s"}},
	{"1,000,000 writes: most disk of one node", "Million", "MB-disk", atMost(100), nil},
	{"1,000,000 writes: most memory of three nodes", "Million", "MB-memory", atMost(1000), nil},
	{"sends late at 2,000 operations/s, p99", "Jitter", "p99-late-µs", atMost(5000), []string{"ops/s"}},
}

var (
	phases = []string{"s-wall", "s-start", "s-faults", "s-observe", "s-quiesce", "s-readback", "s-stop", "s-judge"}
	stormy = []string{"s-storm", "elections", "pending", "strikes"}
	known  = []string{"ms-known", "ms-measured"}
	lost   = []string{"runs", "s-best", "s-median", "s-worst", "s-served-worst"}
	// written is of one writer, but for throughput.
	written = []string{"ms-write", "ms-trip", "writes/s", "shared-writes/s"}
)

var (
	only  = flag.String("only", "", "run only the benchmarks whose name contains this")
	storm = flag.Duration("storm", time.Minute, "how long links jitter in BenchmarkStorm")
	runs  = flag.Int("runs", 20, "how often the main region is lost in BenchmarkRegionLoss")
)

func main() {
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	measured := map[string]map[string]float64{} // benchmark → unit → value
	for _, s := range suites {
		if !strings.Contains(s.bench, *only) {
			continue
		}
		if err := s.run(ctx, measured); err != nil {
			fmt.Fprintf(os.Stderr, "%s %s: %v\n", s.pkg, s.bench, err)
		}
	}
	if !table(os.Stdout, measured) {
		os.Exit(1)
	}
}

func (s suite) run(ctx context.Context, into map[string]map[string]float64) error {
	var out bytes.Buffer
	args := []string{"test", "-run", "^$", "-bench", s.bench, "-benchtime", s.time, "-timeout", (10*time.Minute + *storm + time.Duration(*runs)*time.Minute).String(), s.pkg}
	switch s.bench {
	case "^BenchmarkStorm$":
		args = append(args, "-storm", storm.String())
	case "^BenchmarkRegionLoss$":
		args = append(args, "-losses", strconv.Itoa(*runs))
	}
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdout, cmd.Stderr = io.MultiWriter(&out, os.Stderr), os.Stderr
	err := cmd.Run()
	for line := range strings.Lines(out.String()) {
		read(line, into)
	}
	return err
}

// read takes a line of the form "BenchmarkName-2  1  3.1 unit  4.2 unit".
func read(line string, into map[string]map[string]float64) {
	f := strings.Fields(line)
	if len(f) < 4 || !strings.HasPrefix(f[0], "Benchmark") {
		return
	}
	name := strings.TrimPrefix(f[0], "Benchmark")
	if i := strings.LastIndexByte(name, '-'); i > 0 { // GOMAXPROCS
		name = name[:i]
	}
	into[name] = map[string]float64{}
	for i := 2; i+1 < len(f); i += 2 {
		if v, err := strconv.ParseFloat(f[i], 64); err == nil {
			into[name][f[i+1]] = v
		}
	}
}

// table prints every figure, and says whether all could be measured.
func table(w io.Writer, measured map[string]map[string]float64) bool {
	all := true
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "\nfigure\tmeasured\tobjective\t\tbeside it")
	for _, f := range figures {
		if !strings.Contains(f.bench, *only) {
			continue
		}
		m := measured[f.bench]
		v, ok := m[f.unit]
		result, objective := "", "—"
		if f.objective != nil {
			objective, result = f.objective.String(), "reached"
			if !f.objective.reached(v) {
				result = "MISSED"
			}
		}
		if !ok {
			all = false
			fmt.Fprintf(t, "%s\t?\t%s\tnot measured\t\n", f.says, objective)
			continue
		}
		var beside []string
		for _, unit := range f.beside {
			if v, ok := m[unit]; ok {
				beside = append(beside, number(v)+" "+unit)
			}
		}
		fmt.Fprintf(t, "%s\t%s %s\t%s\t%s\t%s\n", f.says, number(v), f.unit, objective, result, strings.Join(beside, ", "))
	}
	_ = t.Flush()
	return all
}

func number(v float64) string {
	if v >= 100 || v <= -100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}
