package snapshots

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

const (
	fakeBucket = "backups"
	fakeRegion = "eu-test-1"
	fakeKeyID  = "key-of-the-test"
)

// fakeS3 is a server with one bucket that keeps its objects in memory and knows
// the four requests that a store needs. It refuses requests that are not signed
// for its region, and does not check the signature itself.
type fakeS3 struct {
	*httptest.Server
	mu      sync.Mutex
	objects map[string][]byte
	failing int // the next so many requests are answered with 503
}

func startFakeS3(t *testing.T) *fakeS3 {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", fakeKeyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret-of-the-test")
	t.Setenv("AWS_SESSION_TOKEN", "")
	f := &fakeS3{objects: map[string][]byte{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

// url is that of a store on this server, with more parameters as pairs.
func (f *fakeS3) url(more ...string) string {
	q := url.Values{"endpoint": {f.URL}, "region": {fakeRegion}, "use_path_style": {"true"}}
	for pair := range slices.Chunk(more, 2) {
		q.Set(pair[0], pair[1])
	}
	return "s3://" + fakeBucket + "?" + q.Encode()
}

func (f *fakeS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	signed := strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential="+fakeKeyID+"/") &&
		strings.Contains(r.Header.Get("Authorization"), "/"+fakeRegion+"/s3/aws4_request")
	key, ours := strings.CutPrefix(r.URL.Path, "/"+fakeBucket+"/")
	content, found := f.objects[key]
	switch {
	case f.failing > 0:
		f.failing--
		refuse(w, http.StatusServiceUnavailable, "SlowDown")
	case !signed:
		refuse(w, http.StatusForbidden, "AccessDenied")
	case !ours:
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case r.Method == http.MethodGet && key == "":
		f.list(w, r.URL.Query())
	case r.Method == http.MethodPut:
		body, err := uploaded(r)
		if err != nil {
			refuse(w, http.StatusBadRequest, "IncompleteBody")
			return
		}
		f.objects[key] = body
		w.Header().Set("ETag", `"0"`)
	case r.Method == http.MethodDelete:
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case !found:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	default: // GET and HEAD
		w.Header().Set("ETag", `"0"`)
		w.Header().Set("Last-Modified", noon.Format(http.TimeFormat))
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		_, _ = w.Write(content)
	}
}

func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>refused by the test</Message></Error>", code)
}

// list answers ListObjectsV2, two keys a page.
func (f *fakeS3) list(w http.ResponseWriter, q url.Values) {
	type object struct {
		Key          string
		Size         int
		LastModified string
	}
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string
		Contents              []object
	}
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		switch {
		case !strings.HasPrefix(key, q.Get("prefix")) || key <= q.Get("continuation-token"):
		case len(page.Contents) == 2:
			page.IsTruncated = true
		default:
			page.Contents = append(page.Contents, object{key, len(f.objects[key]), noon.Format("2006-01-02T15:04:05.000Z")})
			page.NextContinuationToken = key
		}
	}
	_ = xml.NewEncoder(w).Encode(page)
}

// uploaded reads a body that may be cut into signed chunks: SIZE;chunk-signature=…\r\nBYTES\r\n.
func uploaded(r *http.Request) ([]byte, error) {
	if !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	var out []byte
	for b := bufio.NewReader(r.Body); ; {
		line, err := b.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 32)
		if err != nil || n == 0 {
			return out, err
		}
		chunk := make([]byte, n+2)
		if _, err := io.ReadFull(b, chunk); err != nil {
			return nil, err
		}
		out = append(out, chunk[:n]...)
	}
}

func TestS3KeysBeginWithThePrefixOfTheURL(t *testing.T) {
	f := startFakeS3(t)
	s, err := Open(t.Context(), f.url("prefix", "a/b/"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	want := "a/b/" + save(t, s, 0, 1).Key()
	if got := slices.Collect(maps.Keys(f.objects)); !slices.Equal(got, []string{want}) {
		t.Errorf("the bucket holds %q, want %q", got, want)
	}
}

func TestS3IsAskedAgainWhenItIsBusy(t *testing.T) {
	f := startFakeS3(t)
	s, err := Open(t.Context(), f.url())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f.mu.Lock()
	f.failing = s3Attempts - 1
	f.mu.Unlock()
	save(t, s, 0, 1)
}

func TestARefusalOfS3IsAnError(t *testing.T) {
	f := startFakeS3(t)
	for name, at := range map[string]string{
		"AccessDenied": f.url("anonymous", "true"),
		"NoSuchBucket": strings.Replace(f.url(), fakeBucket, "another", 1),
	} {
		s, err := Open(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		_, err = s.Save(t.Context(), Info{Index: 1}, stateOf(1))
		if _, _, _, listed := s.Latest(t.Context()); err == nil || listed == nil {
			t.Errorf("%s: save returned %v, latest returned %v; want errors", name, err, listed)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestABadURLIsRefusedAtOnce(t *testing.T) {
	for at, want := range map[string]string{
		"s3://":                               "want s3://bucket",
		"s3://bucket/folder":                  "want s3://bucket",
		"s3://bucket?regoin=eu":               "parameter regoin: it is unknown",
		"s3://bucket?use_path_style=maybe":    "parameter use_path_style",
		"s3://bucket?endpoint=minio.example":  "is not a URL",
		"s3://bucket?endpoint=ftp://a.sample": "is not a URL",
		"file://server/folder":                "this machine",
		"file:///folder?mode=1":               "has no parameters",
		"file://":                             "the path is empty",
		"gs://bucket":                         "want file or s3",
		":":                                   "open object store",
	} {
		if _, err := Open(t.Context(), at); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want an error that contains %q", at, err, want)
		}
	}
}
