package snapshots

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/mcp-resilience/holdfast/internal/durable"
)

// directory is a bucket whose objects are files below a folder.
type directory string

// openDirectory opens file:///absolute/folder or file://./relative/folder.
func openDirectory(u *url.URL) (directory, error) {
	path := u.Path
	switch u.Host {
	case "", "localhost":
	case ".":
		path = strings.TrimPrefix(path, "/")
	default:
		return "", fmt.Errorf("the host is %q: a folder on this machine is file:///folder", u.Host)
	}
	if u.RawQuery != "" {
		return "", fmt.Errorf("a folder has no parameters, and this URL has %q", u.RawQuery)
	}
	if path == "" {
		return "", errors.New("the path is empty")
	}
	return directory(filepath.FromSlash(path)), os.MkdirAll(filepath.FromSlash(path), 0o777)
}

func (d directory) path(key string) string {
	return filepath.Join(string(d), filepath.FromSlash(key))
}

// write puts the temporary file beside the object, so that the last step is a
// rename within one file system. Only the owner may read the file: the state
// contains signing keys.
func (d directory) write(_ context.Context, key string, content []byte) error {
	path := d.path(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return durable.WriteFile(path, content, 0o600)
}

func (d directory) read(_ context.Context, key string) ([]byte, error) {
	return os.ReadFile(d.path(key))
}

func (d directory) remove(_ context.Context, key string) error { return os.Remove(d.path(key)) }

// list leaves temporary files out, which a crash may have left behind.
func (d directory) list(_ context.Context, prefix string) ([]string, error) {
	entries, err := os.ReadDir(d.path(prefix))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && !strings.HasPrefix(name, ".") && !strings.HasSuffix(name, ".tmp") {
			keys = append(keys, prefix+name)
		}
	}
	return keys, nil
}

func (directory) close() {}
