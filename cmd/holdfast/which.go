package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/suggest"
	"github.com/mcp-resilience/holdfast/record"
)

// which finds the folder of a run that the user named: by path, by id, by a
// beginning of it that only one run has, or as "last".
func (a *app) which(name string) (string, error) {
	if strings.ContainsRune(name, filepath.Separator) || name == "." {
		if isRun(name) {
			return filepath.Clean(name), nil
		}
		return "", usageErr("%s is not a run directory (it has no run.json); %q lists what is in %s", name, "holdfast list runs", a.runs)
	}
	ids, err := a.stored()
	if err != nil {
		return "", err
	}
	if len(ids) == 0 {
		return "", usageErr("there are no runs in %s; %q makes one, --runs names another folder", a.runs, "holdfast run lose-main-region")
	}
	if name == "last" {
		return filepath.Join(a.runs, ids[len(ids)-1]), nil
	}
	if slices.Contains(ids, name) {
		return filepath.Join(a.runs, name), nil
	}
	var found []string
	for _, id := range ids {
		if strings.HasPrefix(id, name) {
			found = append(found, id)
		}
	}
	if len(found) == 0 { // the short end of an id, as people read it out
		for _, id := range ids {
			if strings.HasSuffix(id, "-"+name) {
				found = append(found, id)
			}
		}
	}
	switch len(found) {
	case 1:
		return filepath.Join(a.runs, found[0]), nil
	case 0:
		if isRun(name) {
			return filepath.Clean(name), nil
		}
		if n := suggest.Closest(name, append(ids, "last")); n != "" {
			return "", usageErr("no run %q in %s; did you mean %q?", name, a.runs, n)
		}
		return "", usageErr("no run %q in %s; the last one is %s", name, a.runs, ids[len(ids)-1])
	default:
		return "", usageErr("%q is the beginning of %d runs in %s: %s", name, len(found), a.runs, strings.Join(found, ", "))
	}
}

// stored lists the ids of the runs on disk, oldest first: ids begin with their time.
func (a *app) stored() ([]string, error) {
	entries, err := os.ReadDir(a.runs)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, environmentErr(err)
	}
	var ids []string
	for _, e := range entries { // sorted by name
		if e.IsDir() && isRun(filepath.Join(a.runs, e.Name())) {
			ids = append(ids, e.Name())
		}
	}
	return ids, nil
}

func isRun(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, record.RunFile))
	return err == nil
}
