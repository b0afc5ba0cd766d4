//go:build !linux

package faultfs

import "errors"

// FS is a file system that cannot be mounted here.
type FS struct{}

// Mount returns an error: the layer needs Linux.
func Mount(string, string, string) (*FS, error) { return nil, errors.ErrUnsupported }

func (*FS) Set(Faults)                     {}
func (*FS) Counts() Counts                 { return Counts{} }
func (*FS) Unsynced() int                  { return 0 }
func (*FS) LosePower() (int, int64, error) { return 0, 0, errors.ErrUnsupported }
func (*FS) Unmount() error                 { return nil }
