package links

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/mcp-resilience/holdfast/cluster/links/wire"
	"github.com/mcp-resilience/holdfast/topology"
)

// Timeouts of calls to a linkd. A healthy one answers within milliseconds.
const (
	callTimeout    = 2 * time.Second
	replaceTimeout = 5 * time.Second
	probeGrace     = time.Second
)

// linkd is one node's linkd as seen from here.
type linkd struct {
	Server
	mesh *Mesh
	mu   sync.Mutex // one change at a time, so that the latest state wins
}

// client keeps no connections, so that nothing outlives the cluster.
var client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

// linkdError is an error that linkd itself reported: it lives, so replacing it would not help.
type linkdError struct{ message string }

func (e linkdError) Error() string { return e.message }

// apply makes the links, all carried by this linkd, as the mesh wants them now. A
// linkd that does not answer is replaced, and then gets all of its links.
func (d *linkd) apply(ctx context.Context, links []topology.Link) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.send(ctx, links)
	var reported linkdError
	if err == nil || errors.As(err, &reported) || ctx.Err() != nil {
		return d.wrap(err)
	}
	rctx, cancel := context.WithTimeout(ctx, replaceTimeout)
	defer cancel()
	if rerr := d.call(rctx, http.MethodPost, d.Control, wire.Restart, nil, nil); rerr != nil {
		return d.wrap(fmt.Errorf("%w; and it could not be replaced: %w", err, rerr))
	}
	d.mesh.noteReplacement(d.Node, err)
	if rerr := d.send(ctx, d.mesh.carriedBy(d.Node)); rerr != nil {
		return d.wrap(fmt.Errorf("%w; replaced, and then: %w", err, rerr))
	}
	return nil
}

func (d *linkd) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("linkd of %s: %w", d.Node, err)
}

func (d *linkd) send(ctx context.Context, links []topology.Link) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	var want []wire.Proxy
	for _, l := range links {
		want = append(want, d.mesh.proxies(l)...)
	}
	return d.call(ctx, http.MethodPut, d.Admin, wire.Links, want, nil)
}

// probe measures an address from inside the pod. The answer to a probe that
// took all the time there was comes a little later, so that is waited for, past
// the deadline of ctx; past its cancellation it is not.
func (d *linkd) probe(ctx context.Context, addr, mode string, n int, within time.Duration) (wire.ProbeResult, error) {
	asked := ctx
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), within+probeGrace)
	defer cancel()
	defer context.AfterFunc(asked, func() {
		if errors.Is(asked.Err(), context.Canceled) {
			cancel()
		}
	})()
	q := url.Values{
		"addr": {addr}, "mode": {mode}, "bytes": {fmt.Sprint(n)}, "timeout": {within.String()},
	}
	var got wire.ProbeResult
	err := d.call(ctx, http.MethodGet, d.Control, wire.Probe+"?"+q.Encode(), nil, &got)
	return got, d.wrap(err)
}

// call sends in as JSON unless it is nil, and reads out unless that is nil.
func (d *linkd) call(ctx context.Context, method, host, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://"+host+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", wire.AuthScheme+" "+d.Credential)
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return linkdError{fmt.Sprintf("%s %s: %s", method, path, strings.TrimSpace(string(text)))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(text, out)
}
