package file

import (
	"fmt"
	"strconv"
	"strings"
)

// Bytes is a number of bytes, written with its unit: 512MB, 2GB.
type Bytes int64

var units = []struct {
	suffix string
	bytes  int64
}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}}

// UnmarshalText implements encoding.TextUnmarshaler.
func (b *Bytes) UnmarshalText(text []byte) error {
	for _, u := range units {
		number, ok := strings.CutSuffix(string(text), u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(number), 10, 40)
		if err == nil && n > 0 && n <= 1<<40/u.bytes {
			*b = Bytes(n * u.bytes)
			return nil
		}
	}
	return fmt.Errorf("%q is no size: want a whole number with its unit, such as 512MB or 2GB", text)
}
