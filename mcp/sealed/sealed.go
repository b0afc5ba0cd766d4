// Package sealed keeps what a node must not misremember in a small file: a
// vote, a promise, a generation.
//
//	content  crc32c(4, little-endian)
//
// The file is replaced as a whole, so a crash leaves the old one or the new
// one. A disk that has changed a bit since is noticed: without the checksum an
// epoch of 7 may read as one of 3, and be believed.
package sealed

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// ErrChanged is the error of a file that is not as it was written.
var ErrChanged = errors.New("the checksum is wrong: the disk gives back something else than was stored")

// Seal is the content with its checksum behind it.
func Seal(content []byte) []byte {
	return binary.LittleEndian.AppendUint32(slices.Clone(content), crc32.Checksum(content, castagnoli))
}

// Unseal takes the checksum off, if it is that of the content.
func Unseal(b []byte) (content []byte, err error) {
	n := len(b) - crc32.Size
	if n < 0 || crc32.Checksum(b[:n], castagnoli) != binary.LittleEndian.Uint32(b[n:]) {
		return nil, ErrChanged
	}
	return b[:n:n], nil
}

// Read returns what was written last. A file that is not there is fs.ErrNotExist.
func Read(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return Unseal(b)
}

// Write replaces the file, which is on disk when it returns.
func Write(path string, content []byte) error {
	f, err := os.Create(path + ".next")
	if err != nil {
		return err
	}
	_, err = f.Write(Seal(content))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // so that the new name lasts
}
