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
}

// Delay is latency, in nanoseconds in JSON, uniform in ±Jitter around Latency,
// never below zero.
type Delay struct {
	Latency time.Duration `json:"latency"`
	Jitter  time.Duration `json:"jitter,omitempty"`
	Seed    uint64        `json:"seed,omitempty"`
}

// Modes of a probe.
const (
	Echo    = "echo"    // connect, send bytes, wait for them to come back
	Connect = "connect" // connect only
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
