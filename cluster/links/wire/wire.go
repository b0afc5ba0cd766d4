// Package wire is what package links and linkd exchange over HTTP: values and
// paths, no behaviour.
package wire

import "time"

// Paths of linkd. Links and Version are on the admin address, beside a part of
// Toxiproxy's own API; the others are on the control address.
const (
	Links   = "/links"   // PUT []Proxy: make these proxies so; others stay as they are
	Version = "/version" // GET: 200 while the proxies answer
	Healthz = "/healthz" // GET: 200 while the supervisor answers and the proxies' process lives
	Restart = "/restart" // POST: replace the proxies by none
	Probe   = "/probe"   // GET ?addr=&mode=&bytes=&timeout= → ProbeResult
)

// CredentialEnv is the environment variable from which linkd takes the credential
// that every request must carry. An argument would be seen by every user of the
// machine.
const CredentialEnv = "LINKD_CREDENTIAL"

// AuthScheme is how requests carry the credential: in the header Authorization,
// and for CONNECT in Proxy-Authorization.
const AuthScheme = "Bearer"

// TunnelFailure is the header in which linkd, answering CONNECT on the control
// address with 502, names the kind of failure that the connection inside the pod
// met: one of the kinds of ProbeResult.
const TunnelFailure = "Linkd-Kind"

// Proxy is one port of one link as linkd has to make it.
type Proxy struct {
	Name     string `json:"name"`
	Listen   string `json:"listen"`
	Upstream string `json:"upstream"`
	// Closed takes the listener away and closes every connection.
	Closed bool `json:"closed,omitempty"`
	// Reset answers with RST: open connections at once, new ones when they arrive.
	Reset bool `json:"reset,omitempty"`
	Up    Flow `json:"up"`
	Down  Flow `json:"down"`
}

// Flow is what happens to the bytes of one direction. The zero value passes
// them on.
type Flow struct {
	Delays []Delay `json:"delays,omitempty"` // they add
	// Rate is in bytes a second; 0 means unlimited.
	Rate int64 `json:"rate,omitempty"`
	// Hold keeps bytes, and the end of the stream, until it is false again.
	Hold bool `json:"hold,omitempty"`
	// Drop throws bytes away; connections that lived through it are closed
	// when it ends.
	Drop bool `json:"drop,omitempty"`
	// Losses delay bytes as lost packets do; what several of them add is summed.
	Losses []Loss `json:"losses,omitempty"`
	// SliceSize is how many bytes are written at a time, SliceDelay the pause
	// between two writes of a connection. A size of 0 means that writes stay as they are.
	SliceSize  int64         `json:"sliceSize,omitempty"`
	SliceDelay time.Duration `json:"sliceDelay,omitempty"`
	// CloseDelay keeps the end of the stream back.
	CloseDelay time.Duration `json:"closeDelay,omitempty"`
	// StallAfter is how many bytes each connection still carries until the
	// others, and its end, are kept; 0 means that none are.
	StallAfter int64 `json:"stallAfter,omitempty"`
	// ResetAfter is how many bytes each connection still carries until a further
	// one makes it end in an RST at both ends; 0 means that none does.
	ResetAfter int64 `json:"resetAfter,omitempty"`
}

// Delay is latency, in nanoseconds in JSON, with jitter around it, never below zero.
type Delay struct {
	Latency time.Duration `json:"latency"`
	Jitter  time.Duration `json:"jitter,omitempty"`
	// Distribution is how the jitter is distributed: Uniform (also when empty),
	// Normal or Pareto.
	Distribution string `json:"distribution,omitempty"`
	Seed         uint64 `json:"seed,omitempty"`
}

// Distributions of jitter.
const (
	Uniform = "uniform" // evenly in ±Jitter around Latency
	Normal  = "normal"  // around Latency with a standard deviation of Jitter, within MaxDeviations of them
	Pareto  = "pareto"  // never less than Latency; Jitter more on average, and rarely up to MaxExcess times that
)

// MaxDeviations and MaxExcess cut the tails off, so that it can be said how long
// a delay takes at most.
const (
	MaxDeviations = 3
	MaxExcess     = 20
)

// Max is the longest that the delay takes.
func (d Delay) Max() time.Duration {
	switch d.Distribution {
	case Normal:
		return d.Latency + MaxDeviations*d.Jitter
	case Pareto:
		return d.Latency + MaxExcess*d.Jitter
	}
	return d.Latency + d.Jitter
}

// Loss is the loss of packets as a TCP stream shows it: no byte is missing, but a
// segment that was lost arrives only after it was sent again, and keeps back what
// was sent after it. Retransmit passes before it is sent again, twice as long if
// it is lost once more, and so on.
type Loss struct {
	Probability float64       `json:"probability"` // 0 to 1, of each segment
	Retransmit  time.Duration `json:"retransmit"`
	Seed        uint64        `json:"seed,omitempty"`
}

// Modes of a probe.
const (
	Echo    = "echo"    // connect, send bytes, wait for them to come back
	Connect = "connect" // connect only
	Close   = "close"   // connect, send bytes, wait for them, close and wait until the far end has closed too
)

// ProbeResult is what a probe measured.
type ProbeResult struct {
	Connect time.Duration `json:"connectNanos"`
	RTT     time.Duration `json:"rttNanos"` // from the first byte sent to the last one back
	Error   string        `json:"error,omitempty"`
	Kind    string        `json:"kind,omitempty"` // see the constants below
}

// Kinds of failure, as a client on the link sees them.
const (
	Refused = "refused" // no listener
	Reset   = "reset"   // RST
	Closed  = "closed"  // FIN before the answer: the far end is gone
	Timeout = "timeout" // no answer in time
	Other   = "other"
)
