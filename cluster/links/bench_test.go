package links_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/mcp-resilience/holdfast/topology"
)

// BenchmarkLink puts a link beside a direct connection to the same echo, in one
// run: round trips of one byte, and bytes a second one way. The ratios are
// proxied over direct (round trip: lower is better; throughput: higher).
func BenchmarkLink(b *testing.B) {
	w := open(b)
	echo := w.servers["north-1"].Host + ":7007"
	direct, err := net.Dial("tcp", echo)
	if err != nil {
		b.Fatal(err)
	}
	defer direct.Close()
	proxied, err := net.Dial("tcp", w.servers["east-1"].Peers["north-1"]+":7007")
	if err != nil {
		b.Fatal(err)
	}
	defer proxied.Close()

	b.Run("round trip", func(b *testing.B) {
		var sum [2]time.Duration
		for b.Loop() {
			for i, c := range []net.Conn{direct, proxied} { // in turn, so that both see the same machine
				start := time.Now()
				send(b, c)
				if err := read(b, c, long); err != nil {
					b.Fatal(err)
				}
				sum[i] += time.Since(start)
			}
		}
		n := float64(b.N) * float64(time.Microsecond)
		b.ReportMetric(float64(sum[0])/n, "direct-µs/rt")
		b.ReportMetric(float64(sum[1])/n, "proxied-µs/rt")
		b.ReportMetric(float64(sum[1])/float64(sum[0]), "rt-ratio")
	})
	b.Run("throughput", func(b *testing.B) {
		ln := w.listen(b, "north-1")
		const size = 16 << 20
		near, far := w.connect(b, topology.Link{From: topology.Endpoint{Node: "east-1"}, To: "north-1"}, ln)
		plain, err := net.Listen("tcp", w.servers["north-1"].Host+":0")
		if err != nil {
			b.Fatal(err)
		}
		defer plain.Close()
		left, err := net.Dial("tcp", plain.Addr().String())
		if err != nil {
			b.Fatal(err)
		}
		defer left.Close()
		right, err := plain.Accept()
		if err != nil {
			b.Fatal(err)
		}
		defer right.Close()
		_ = far.SetReadDeadline(time.Time{})
		var sum [2]time.Duration
		for b.Loop() {
			for i, ends := range [][2]net.Conn{{left, right}, {near, far}} {
				start := time.Now()
				var wg sync.WaitGroup
				wg.Go(func() { _, _ = ends[0].Write(make([]byte, size)) })
				if _, err := io.CopyN(io.Discard, ends[1], size); err != nil {
					b.Fatal(err)
				}
				wg.Wait()
				sum[i] += time.Since(start)
			}
		}
		mb := float64(b.N) * size / 1e6
		b.ReportMetric(mb/sum[0].Seconds(), "direct-MB/s")
		b.ReportMetric(mb/sum[1].Seconds(), "proxied-MB/s")
		b.ReportMetric(sum[0].Seconds()/sum[1].Seconds(), "throughput-ratio")
	})
}
