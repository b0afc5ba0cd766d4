//go:build !unix

package local

import (
	"errors"
	"os"
)

// The runtime does not work here, see Kind's Check; this lets the rest build.
func stop(*os.Process) error   { return errors.ErrUnsupported }
func resume(*os.Process) error { return errors.ErrUnsupported }
func killGroup(int)            {}
