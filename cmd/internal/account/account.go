// Package account reads what an AWS account has outside of Beanstalk: roles and rights in IAM, quotas,
// elastic IPs, and AWS's time. It changes nothing.
//
// It speaks to the services without their SDK packages. Those of IAM and EC2 are some megabytes of source
// for six calls.
package account

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// A Client asks AWS about one account and region.
type Client struct {
	cfg       aws.Config
	partition partition
	getenv    func(string) string
}

// New returns a Client that calls AWS as cfg says. getenv looks up the variables that name the endpoints
// of single services.
func New(cfg aws.Config, getenv func(string) string) *Client {
	return &Client{cfg, partitionOf(cfg.Region), getenv}
}

// partition is how the endpoints of a partition of AWS are called (general reference, "AWS IAM endpoints
// and quotas").
type partition struct{ name, suffix, iam, iamRegion string }

var partitions = []struct {
	prefix string // of its regions
	partition
}{
	{"cn-", partition{"aws-cn", "amazonaws.com.cn", "iam.cn-north-1.amazonaws.com.cn", "cn-north-1"}},
	{"us-gov-", partition{"aws-us-gov", "amazonaws.com", "iam.us-gov.amazonaws.com", "us-gov-west-1"}},
	{"eusc-", partition{"aws-eusc", "amazonaws.eu", "iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"}},
	{"", partition{"aws", "amazonaws.com", "iam.amazonaws.com", "us-east-1"}},
}

func partitionOf(region string) partition {
	for _, p := range partitions {
		if strings.HasPrefix(region, p.prefix) {
			return p.partition
		}
	}
	return partition{}
}

// Partition returns the second part of the ARNs of the region's partition, such as "aws".
func (c *Client) Partition() string { return c.partition.name }

// Suffix returns the domain of the partition's services, such as "amazonaws.com".
func (c *Client) Suffix() string { return c.partition.suffix }

// address returns where a service answers, and the region that its calls are signed for. variable is the
// end of the variable that may name another endpoint.
func (c *Client) address(service, variable string) (endpoint, region string) {
	region, host := c.cfg.Region, service+"."+c.cfg.Region+"."+c.partition.suffix
	if service == "iam" {
		region, host = c.partition.iamRegion, c.partition.iam
	}
	return cmp.Or(c.getenv("AWS_ENDPOINT_URL_"+variable), aws.ToString(c.cfg.BaseEndpoint), "https://"+host), region
}

// Refusal is reported when AWS refuses a call.
type Refusal struct {
	Call    string // as in iam:GetRole
	Code    string
	Message string
	status  int
}

func (r *Refusal) Error() string { return r.Call + ": " + r.Message + " (" + r.Code + ")" }

// ErrMissing is reported for what does not exist.
var ErrMissing = errors.New("it does not exist")

// ErrDenied is reported when the caller may not make a call.
var ErrDenied = errors.New("the right is missing")

// Unwrap returns ErrMissing or ErrDenied for such a refusal, or nil.
func (r *Refusal) Unwrap() error {
	switch r.Code {
	case "NoSuchEntity", "NoSuchResourceException":
		return ErrMissing
	case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
		return ErrDenied
	}
	return nil
}

// query makes a call in the protocol of IAM and EC2, and reads its answer into out.
func (c *Client) query(ctx context.Context, service, variable, version, action string, form url.Values, out any) error {
	form.Set("Action", action)
	form.Set("Version", version)
	text, err := c.send(ctx, service, variable, action, form.Encode(), http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}})
	if err != nil {
		return err
	}
	if err := xml.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s:%s: read the answer: %w", service, action, err)
	}
	return nil
}

// json makes a call in the protocol of Service Quotas, and reads its answer into out.
func (c *Client) json(ctx context.Context, service, variable, target, action string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return err
	}
	text, err := c.send(ctx, service, variable, action, string(body), http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target + "." + action},
	})
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s:%s: read the answer: %w", service, action, err)
	}
	return nil
}

const (
	attempts       = 5
	firstPause     = 200 * time.Millisecond // before the second attempt; doubled before each further one
	maxAnswerBytes = 4 << 20
)

// send makes a call and returns the answer. It repeats a call without an answer, and one that AWS
// throttles.
func (c *Client) send(ctx context.Context, service, variable, action, body string, header http.Header) (text []byte, err error) {
	endpoint, region := c.address(service, variable)
	for attempt := range attempts {
		text, err = c.sendOnce(ctx, endpoint, region, service, body, header)
		if refusal, ok := errors.AsType[*Refusal](err); ok {
			refusal.Call = service + ":" + action
			if refusal.status < 500 && refusal.status != http.StatusTooManyRequests && !strings.Contains(refusal.Code, "Throttl") && refusal.Code != "RequestLimitExceeded" {
				return nil, err
			}
		} else if err == nil || ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(firstPause << attempt):
		case <-ctx.Done():
			return nil, err
		}
	}
	if _, refused := errors.AsType[*Refusal](err); err != nil && !refused {
		err = fmt.Errorf("%s:%s: %w", service, action, err)
	}
	return text, err
}

func (c *Client) sendOnce(ctx context.Context, endpoint, region, service, body string, header http.Header) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if r.URL.Path == "" {
		r.URL.Path = "/"
	}
	r.Header = header.Clone()
	credentials, err := c.cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if err := v4.NewSigner().SignHTTP(ctx, credentials, r, fmt.Sprintf("%x", sha256.Sum256([]byte(body))), service, region, time.Now()); err != nil {
		return nil, err
	}
	answer, err := c.client().Do(r)
	if err != nil {
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, newRefusal(answer.StatusCode, text)
	}
	return text, nil
}

func (c *Client) client() aws.HTTPClient {
	if c.cfg.HTTPClient == nil {
		return http.DefaultClient
	}
	return c.cfg.HTTPClient
}

// newRefusal reads a refusal of any of the services.
func newRefusal(status int, text []byte) *Refusal {
	r := &Refusal{Code: http.StatusText(status), Message: "AWS answers with status " + fmt.Sprint(status), status: status}
	type reason struct{ Code, Message string }
	var answer struct {
		Error  reason
		Errors struct{ Error reason } // EC2
	}
	var object struct {
		Type    string `json:"__type"`
		Message string
	}
	switch {
	case bytes.HasPrefix(bytes.TrimSpace(text), []byte("{")) && json.Unmarshal(text, &object) == nil && object.Type != "":
		_, code, ok := strings.Cut(object.Type, "#")
		if !ok {
			code = object.Type
		}
		r.Code, r.Message = code, object.Message
	case xml.Unmarshal(text, &answer) == nil:
		r.Code = cmp.Or(answer.Error.Code, answer.Errors.Error.Code, r.Code)
		r.Message = cmp.Or(answer.Error.Message, answer.Errors.Error.Message, r.Message)
	}
	return r
}

// Skew returns how far AWS's clock is ahead of this machine's. It needs no credentials.
func (c *Client) Skew(ctx context.Context) (time.Duration, error) {
	endpoint, _ := c.address("sts", "STS")
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	answer, err := c.client().Do(r)
	if err != nil {
		return 0, err
	}
	now := time.Now()
	_ = answer.Body.Close()
	at, err := http.ParseTime(answer.Header.Get("Date"))
	if err != nil {
		return 0, errors.New("AWS's answer has no date")
	}
	if at.After(began.Add(-time.Second)) && at.Before(now.Add(time.Second)) { // a Date has whole seconds
		return 0, nil
	}
	return at.Sub(now), nil
}
