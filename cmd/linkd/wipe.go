package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
)

// wipe removes all that is in a folder, and not the folder, which is a volume
// of its own.
func wipe(_ context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("wipe: want one folder")
	}
	all, err := os.ReadDir(args[0])
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range all {
		errs = append(errs, os.RemoveAll(filepath.Join(args[0], e.Name())))
	}
	return errors.Join(errs...)
}
