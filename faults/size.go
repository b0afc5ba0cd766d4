package faults

import (
	"fmt"
	"strings"
)

// Size is a number of bytes, written with its unit: "64KB", "1.5MB", "800B". Units
// are decimal; the zero Size means that none was given.
type Size int64

// ParseSize is the inverse of Size.String.
func ParseSize(s string) (Size, error) {
	r, err := ParseRate(s + "/s")
	if err != nil || strings.HasSuffix(s, "/s") {
		return 0, fmt.Errorf("%q is not a size: want a number and B, KB, MB or GB, such as 64KB", s)
	}
	return Size(r), nil
}

func (s Size) String() string { return strings.TrimSuffix(Rate(s).String(), "/s") }

// MarshalText writes the size as its String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Size) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSize(string(b))
	return err
}
