package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/record"
)

// resolveRun finds the directory of the run that the user named: by its path, by
// its id, by the beginning of an id or its last four digits where only one run
// has them, or as "last", the newest run that has finished.
func (a *app) resolveRun(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) || name == "." {
		if isRunDir(name) {
			return filepath.Clean(name), nil
		}
		return "", usageErr("%s is not a run directory: it has no %s; %q lists the runs in %s", name, record.RunFile, "holdfast list runs", a.runs)
	}
	ids, err := a.storedRuns()
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", usageErr("there are no runs in %s; %q makes one, --runs names another folder", a.runs, "holdfast run lose-main-region")
	}
	if name == "last" {
		return a.lastFinished(ids)
	}
	matches := matchingIDs(ids, name)
	switch {
	case len(matches) == 1:
		return filepath.Join(a.runs, matches[0]), nil
	case len(matches) > 1:
		return "", usageErr("%q is the beginning of %d runs in %s: %s; give more of the id", name, len(matches), a.runs, strings.Join(matches, ", "))
	case isRunDir(name):
		return filepath.Clean(name), nil
	}
	if n := suggest.Closest(name, append(ids, "last")); n != "" {
		return "", usageErr("no run %q in %s; did you mean %q?", name, a.runs, n)
	}
	return "", usageErr("no run %q in %s; the last one is %s", name, a.runs, ids[len(ids)-1])
}

// lastFinished is the newest run that no process is executing. The files of a run
// in progress are incomplete and belong to the process that writes them.
func (a *app) lastFinished(ids []string) (string, error) {
	var running error
	for _, id := range slices.Backward(ids) {
		dir := filepath.Join(a.runs, id)
		use, locked := errors.AsType[record.InUseError](record.InUse(dir))
		if !locked || use.Activity != record.Executing {
			return dir, nil
		}
		running = use
	}
	return "", environmentErr(fmt.Errorf("no run in %s has finished yet: %w", a.runs, running))
}

// matchingIDs lists the runs that a name stands for: the one with exactly this id,
// or those whose id begins with it, or those with these four digits at the end.
func matchingIDs(ids []string, name string) []string {
	if slices.Contains(ids, name) {
		return []string{name}
	}
	keep := func(matches func(id string) bool) []string {
		return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !matches(id) })
	}
	if found := keep(func(id string) bool { return strings.HasPrefix(id, name) }); len(found) > 0 {
		return found
	}
	return keep(func(id string) bool { return strings.HasSuffix(id, "-"+name) })
}

// storedRuns lists the ids of the runs on disk, oldest first: ids begin with their time.
func (a *app) storedRuns() ([]string, error) {
	entries, err := os.ReadDir(a.runs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, environmentErr(err)
	}
	var ids []string
	for _, e := range entries { // sorted by name
		if e.IsDir() && isRunDir(filepath.Join(a.runs, e.Name())) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

func isRunDir(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, record.RunFile))
	return err == nil
}
