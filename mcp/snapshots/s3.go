package snapshots

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Attempts is how often a request to S3 is sent before it fails.
const s3Attempts = 3

// s3Bucket is a bucket of S3, or of a server that speaks its protocol.
type s3Bucket struct {
	client    *minio.Client
	transport *http.Transport
	name      string
	prefix    string // of every key, from the URL
}

// openS3 opens s3://bucket?PARAMETER=VALUE&…:
//
//	region          the bucket's region (default: AWS_REGION, AWS_DEFAULT_REGION, or the server is asked)
//	endpoint        URL of the server, such as https://minio.example:9000 (default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon's)
//	use_path_style  true if the bucket is in the URL's path and not in its host name
//	prefix          put before every key
//	profile         the profile of the shared credentials file (default: AWS_PROFILE, or default)
//	anonymous       true if requests are not signed
//
// Credentials come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, from the
// shared credentials file, or from the role of the machine, in this order.
func openS3(u *url.URL) (*s3Bucket, error) {
	if u.Host == "" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("want s3://bucket?region=…: a bucket, and no path (the parameter prefix is for that)")
	}
	b := &s3Bucket{name: u.Host}
	endpoint := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), "https://s3.amazonaws.com")
	options := minio.Options{Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")), MaxRetries: s3Attempts}
	var profile string
	var anonymous bool
	for parameter, values := range u.Query() {
		var err error
		switch value := values[0]; parameter {
		case "region":
			options.Region = value
		case "endpoint":
			endpoint = value
		case "use_path_style", "s3ForcePathStyle":
			var pathStyle bool
			if pathStyle, err = strconv.ParseBool(value); pathStyle {
				options.BucketLookup = minio.BucketLookupPath
			}
		case "prefix":
			b.prefix = value
		case "profile":
			profile = value
		case "anonymous":
			anonymous, err = strconv.ParseBool(value)
		default:
			err = errors.New("it is unknown: want region, endpoint, use_path_style, prefix, profile or anonymous")
		}
		if err != nil {
			return nil, fmt.Errorf("parameter %s: %w", parameter, err)
		}
	}
	server, err := url.Parse(endpoint)
	if err != nil || server.Host == "" || strings.Trim(server.Path, "/") != "" || (server.Scheme != "http" && server.Scheme != "https") {
		return nil, fmt.Errorf("endpoint %q is not a URL such as https://minio.example:9000", endpoint)
	}
	options.Secure = server.Scheme == "https"
	if b.transport, err = minio.DefaultTransport(options.Secure); err != nil {
		return nil, err
	}
	options.Transport = b.transport
	options.Creds = credentials.NewStatic("", "", "", credentials.SignatureAnonymous)
	if !anonymous {
		options.Creds = credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{Profile: profile}, &credentials.IAM{},
		})
	}
	b.client, err = minio.New(server.Host, &options)
	return b, err
}

func (b *s3Bucket) write(ctx context.Context, key string, content []byte) error {
	_, err := b.client.PutObject(ctx, b.name, b.prefix+key, bytes.NewReader(content), int64(len(content)), minio.PutObjectOptions{})
	return err
}

func (b *s3Bucket) read(ctx context.Context, key string) ([]byte, error) {
	object, err := b.client.GetObject(ctx, b.name, b.prefix+key, minio.GetObjectOptions{})
	if err != nil {
		return nil, err
	}
	defer object.Close()
	return io.ReadAll(object)
}

func (b *s3Bucket) remove(ctx context.Context, key string) error {
	return b.client.RemoveObject(ctx, b.name, b.prefix+key, minio.RemoveObjectOptions{})
}

func (b *s3Bucket) list(ctx context.Context, prefix string) ([]string, error) {
	var keys []string
	for object := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix}) {
		if object.Err != nil {
			return nil, object.Err
		}
		if !strings.HasSuffix(object.Key, "/") {
			keys = append(keys, strings.TrimPrefix(object.Key, b.prefix))
		}
	}
	return keys, nil
}

func (b *s3Bucket) close() { b.transport.CloseIdleConnections() }
