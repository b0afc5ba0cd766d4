package docker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// demux joins the two streams that an engine multiplexes into one, in the
// order in which they were written. Each frame is one byte of stream, three
// unused, four of length and the bytes. moby's stdcopy is not used: it takes an
// output that breaks off within a frame for a complete one.
type demux struct {
	from io.ReadCloser
	left uint32 // of the present frame
}

func (o *demux) Read(p []byte) (int, error) {
	for o.left == 0 {
		var head [8]byte
		if _, err := io.ReadFull(o.from, head[:]); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				err = fmt.Errorf("read output: the engine broke off in a frame's head: %w", err)
			}
			return 0, err
		}
		o.left = binary.BigEndian.Uint32(head[4:])
	}
	if uint64(len(p)) > uint64(o.left) {
		p = p[:o.left]
	}
	n, err := o.from.Read(p)
	o.left -= uint32(n)
	if err == io.EOF && o.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	if err == io.EOF && n > 0 {
		err = nil
	}
	return n, err
}

func (o *demux) Close() error { return o.from.Close() }
