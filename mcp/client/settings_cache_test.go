package client

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func good(revision uint64) settingsCache {
	return settingsCache{
		Revision: revision, ConfirmedAt: time.Date(2026, 11, 22, 3, 0, 0, int(revision), time.UTC),
		Settings: map[string]cachedSetting{"gateway/rate": {"100", revision}},
	}
}

// A crash may leave the folder in each of these ways. What is loaded is undamaged, or nothing.
func TestSettingsCacheAfterACrash(t *testing.T) {
	flip := func(t *testing.T, path string) {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		data[len(data)-3] ^= 1
		write(t, path, data)
	}
	cut := func(t *testing.T, path string) {
		t.Helper()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		write(t, path, data[:len(data)/2])
	}
	for name, c := range map[string]struct {
		saved   []uint64
		damage  func(t *testing.T, path string)
		want    uint64 // 0: nothing
		wantErr bool   // whether an error says that a copy was not used
	}{
		"the last one":                         {saved: []uint64{1, 2}, want: 2},
		"none yet":                             {},
		"damaged, and there is a previous one": {[]uint64{1, 2}, cut, 1, true},
		"a bit has flipped":                    {[]uint64{1, 2}, flip, 1, true},
		"empty, as after a power cut":          {[]uint64{1, 2}, func(t *testing.T, path string) { write(t, path, nil) }, 1, true},
		"damaged, and it was the only one":     {[]uint64{1}, cut, 0, true},
		"both are damaged":                     {[]uint64{1, 2}, func(t *testing.T, path string) { cut(t, path); flip(t, path+previousSuffix) }, 0, true},
		"died before the new one was there":    {[]uint64{1, 2}, func(t *testing.T, path string) { rename(t, path, path+previousSuffix) }, 2, false},
		"a good checksum of something else": {[]uint64{1, 2}, func(t *testing.T, path string) {
			write(t, path, []byte(cacheHeader+"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\n"))
		}, 1, true},
		"only the previous one is damaged": {[]uint64{1, 2}, func(t *testing.T, path string) { cut(t, path+previousSuffix) }, 2, false},
		"a folder is in its place":         {[]uint64{1, 2}, func(t *testing.T, path string) { rename(t, path, path+".x"); mkdir(t, path) }, 1, true},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "settings")
			for _, r := range c.saved {
				if err := good(r).save(path); err != nil {
					t.Fatal(err)
				}
			}
			if c.damage != nil {
				c.damage(t, path)
			}
			got, found, err := loadSettingsCache(path)
			want := settingsCache{}
			if c.want > 0 {
				want = good(c.want)
			}
			if diff := cmp.Diff(want, got); diff != "" || found != (c.want > 0) || (err != nil) != c.wantErr {
				t.Errorf("found %v, error %v (-want +got):\n%s", found, err, diff)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o755); err != nil {
		t.Fatal(err)
	}
}
