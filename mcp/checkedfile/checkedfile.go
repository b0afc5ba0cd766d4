// Package checkedfile keeps what a node must not misremember, such as its vote or its
// epoch, in a small file with a checksum:
//
//	content  crc32c(4, little-endian)
//
// The file is replaced as a whole, so a crash leaves either the old or the new
// content. A bit that the disk has changed since is noticed: without the checksum an
// epoch of 7 could be read as one of 3 and be believed.
package checkedfile

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"slices"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrChecksum is the error of content that is not as it was written.
var ErrChecksum = errors.New("the checksum is wrong: the disk returned something other than what was stored")

// AppendChecksum returns the content followed by its checksum.
func AppendChecksum(content []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(content), crc32.Checksum(content, castagnoli))
}

// StripChecksum returns the content without its checksum, or ErrChecksum when the
// checksum is not that of the content.
func StripChecksum(b []byte) (content []byte, err error) {
	n := len(b) - crc32.Size
	if n < 0 || crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, ErrChecksum
	}
	return b[:n:n], nil
}

// Read returns the content that was written last. The error of a missing file is
// fs.ErrNotExist, that of a changed one ErrChecksum.
func Read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return StripChecksum(b)
}

// Write replaces the file. The new content is on disk when it returns.
func Write(path string, content []byte) error {
	return durable.WriteFile(path, AppendChecksum(content), 0o666)
}
