package awsconfig

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"

	"beansprout/envs/awsapi"
)

// trusting is an HTTP client whose calls end at a certificate that isn't trusted. The SDK would
// repeat them until the deadline.
type trusting struct{ aws.HTTPClient }

func (c trusting) Do(r *http.Request) (*http.Response, error) {
	res, err := c.HTTPClient.Do(r)
	if untrusted, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return res, awsapi.Final(fmt.Errorf("connect to %s: %w: %w", r.URL.Host, awsapi.ErrCertificate, untrusted.Err))
	}
	return res, err
}
