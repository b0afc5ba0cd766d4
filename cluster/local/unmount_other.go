//go:build !linux

package local

import "errors"

func unmount(string) error { return errors.ErrUnsupported }
