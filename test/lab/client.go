package lab

import (
	"bytes"
	"io"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"beansprout/localcloud"
)

// Region is the one in which the local cloud is used unless a test names another.
const Region = "us-east-1"

// Config makes AWS clients that speak to a running cloud.
func Config(cloud localcloud.Running) aws.Config {
	return aws.Config{
		Region: Region, BaseEndpoint: &cloud.Endpoint, HTTPClient: bufferedBodies{http.DefaultClient},
		Credentials: credentials.NewStaticCredentialsProvider(cloud.Key, cloud.Secret, ""),
	}
}

// bufferedBodies sends a copy of each request's body. The SDK closes the body as soon as the
// answer begins, and net/http then drops the connection under a long answer.
type bufferedBodies struct{ next aws.HTTPClient }

// Do implements aws.HTTPClient.
func (b bufferedBodies) Do(r *http.Request) (*http.Response, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return b.next.Do(r)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(body))
	return b.next.Do(r)
}
