package http

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/printable"
	"github.com/mcp-resilience/holdfast/targets/protocols"
	"github.com/mcp-resilience/holdfast/targets/protocols/wire"
)

// maxBody is the largest body of an answer that is accepted, in bytes. It must hold a whole set.
const maxBody = 64 << 20

// request is a rendered request.
type request struct {
	method, path, body string
	header             http.Header
}

// answer is the answer to a request.
type answer struct {
	status int
	body   []byte
	last   bool // the server closes the connection after it
}

// exchange sends a request and reads its answer. When sent is false no byte of the request was handed to the network.
func exchange(ctx context.Context, c *wire.Conn, r request, to protocols.Endpoint) (got answer, sent bool, err error) {
	req, err := http.NewRequestWithContext(ctx, r.method, "http://"+to.Address+r.path, strings.NewReader(r.body))
	if err != nil {
		return got, false, err
	}
	if r.header != nil {
		req.Header = r.header
	}
	var raw bytes.Buffer
	if err := req.Write(&raw); err != nil {
		return got, false, err
	}
	sent, err = c.Exchange(ctx, raw.Bytes(), func(in *bufio.Reader) error {
		got, err = readAnswer(in, req)
		return err
	})
	return got, sent, err
}

func readAnswer(in *bufio.Reader, to *http.Request) (got answer, err error) {
	for {
		resp, err := http.ReadResponse(in, to)
		if err != nil {
			return got, fmt.Errorf("read the answer: %w", err)
		}
		got.body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
		_ = resp.Body.Close() // reads from the connection, which has its own Close
		switch {
		case err != nil:
			return got, fmt.Errorf("read the body of an answer with status %d: %w", resp.StatusCode, err)
		case len(got.body) > maxBody:
			return got, fmt.Errorf("an answer with status %d has a body of more than %d MiB", resp.StatusCode, maxBody>>20)
		case resp.StatusCode >= 200:
			got.status, got.last = resp.StatusCode, resp.Close
			return got, nil
		}
	}
}

// excerpt is the beginning of the body, for error messages.
func (a answer) excerpt() string {
	const limit = 120
	s := strings.Join(strings.Fields(string(a.body)), " ")
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return printable.Line(s)
}
