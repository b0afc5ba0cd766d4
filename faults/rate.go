package faults

import (
	"fmt"
	"strconv"
	"strings"
)

// Rate is a flow of bytes, written with its unit: "64KB/s", "1.5MB/s", "800B/s".
// Units are decimal; the zero Rate means none was given.
type Rate int64

const (
	kilo Rate = 1000
	mega Rate = 1000 * kilo
	giga Rate = 1000 * mega
)

// units are ordered so that the longest suffix is tried first.
var units = []struct {
	suffix string
	size   Rate
}{{"GB/s", giga}, {"MB/s", mega}, {"KB/s", kilo}, {"B/s", 1}}

// ParseRate is the inverse of Rate.String.
func ParseRate(s string) (Rate, error) {
	for _, u := range units {
		figure, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		f, err := strconv.ParseFloat(strings.TrimSpace(figure), 64)
		if err != nil || !(f >= 0 && f*float64(u.size) <= float64(1000*giga)) { // the negation also rejects NaN
			break
		}
		return Rate(f * float64(u.size)), nil
	}
	return 0, fmt.Errorf("%q is not a rate: want a number and B/s, KB/s, MB/s or GB/s, such as 64KB/s", s)
}

func (r Rate) String() string {
	for _, u := range units {
		if r >= u.size && r%u.size == 0 {
			return fmt.Sprintf("%d%s", r/u.size, u.suffix)
		}
	}
	return fmt.Sprintf("%dB/s", int64(r))
}

// MarshalText writes the rate as its String.
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (r *Rate) UnmarshalText(b []byte) (err error) {
	*r, err = ParseRate(string(b))
	return err
}
