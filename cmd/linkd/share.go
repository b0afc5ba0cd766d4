package main

import (
	"context"
	"errors"
	"os"
)

// share lets every user write to folders.
func share(_ context.Context, folders []string) error {
	if len(folders) == 0 {
		return errors.New("share: want at least one folder")
	}
	for _, folder := range folders {
		if err := os.Chmod(folder, 0o777); err != nil {
			return err
		}
	}
	return nil
}
