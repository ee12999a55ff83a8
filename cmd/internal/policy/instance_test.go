package policy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// An instanceCloud is a local cloud with an image and a bundle, and what an instance does there.
type instanceCloud struct {
	*testing.T
	cloud *localcloud.Cloud
	ecr   *ecr.Client
	s3    *s3.Client
	token string // of the registry
}

const bundleBucket = "elasticbeanstalk-eu-central-1-123456789012"

func newInstanceCloud(t *testing.T) *instanceCloud {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	must.Succeed(t, err)
	t.Cleanup(func() { must.Succeed(t, cloud.Close(context.Background())) })
	key, secret := cloud.Credentials()
	cfg := aws.Config{Region: "eu-central-1", BaseEndpoint: aws.String(cloud.Endpoint()), Credentials: credentials.NewStaticCredentialsProvider(key, secret, "")}
	return &instanceCloud{T: t, cloud: cloud, ecr: ecr.NewFromConfig(cfg), s3: s3.NewFromConfig(cfg, func(o *s3.Options) { o.UsePathStyle = true })}
}

// asks sends a request of the registry's protocol, or of the registry's answer to one.
func (c *instanceCloud) asks(method, path string, body []byte, kind string) (status int, location string, answer []byte) {
	c.Helper()
	if strings.HasPrefix(path, "/") {
		path = c.cloud.Endpoint() + path
	}
	r, err := http.NewRequestWithContext(c.Context(), method, path, bytes.NewReader(body))
	must.Succeed(c, err)
	r.Header.Set("Authorization", "Basic "+c.token)
	r.Header.Set("Content-Type", kind)
	resp, err := http.DefaultClient.Do(r)
	must.Succeed(c, err)
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	must.Succeed(c, err)
	return resp.StatusCode, resp.Header.Get("Location"), answer
}

func digest(text []byte) string { return fmt.Sprintf("sha256:%x", sha256.Sum256(text)) }

const manifestKind = "application/vnd.docker.distribution.manifest.v2+json"

// login gets a token for the registry, as an instance does with its profile.
func (c *instanceCloud) login() {
	c.Helper()
	out, err := c.ecr.GetAuthorizationToken(c.Context(), &ecr.GetAuthorizationTokenInput{})
	must.Succeed(c, err)
	c.token = *out.AuthorizationData[0].AuthorizationToken
	if text, err := base64.StdEncoding.DecodeString(c.token); err != nil || !strings.HasPrefix(string(text), "AWS:") {
		c.Fatalf("the token is %q, %v", text, err)
	}
}

// push puts an image into the repository and returns its manifest.
func (c *instanceCloud) push(layer []byte) (manifest []byte) {
	c.Helper()
	_, err := c.ecr.CreateRepository(c.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("team/shop")})
	must.Succeed(c, err)
	config := []byte("{}")
	for _, blob := range [][]byte{config, layer} {
		_, place, _ := c.asks(http.MethodPost, "/v2/team/shop/blobs/uploads/", nil, "")
		join := "?"
		if strings.Contains(place, "?") {
			join = "&"
		}
		if status, _, answer := c.asks(http.MethodPut, place+join+"digest="+digest(blob), blob, "application/octet-stream"); status != http.StatusCreated {
			c.Fatalf("push a blob: %d %s", status, answer)
		}
	}
	manifest = fmt.Appendf(nil, `{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":"application/vnd.docker.container.image.v1+json","size":%d,"digest":%q},`+
		`"layers":[{"mediaType":"application/vnd.docker.image.rootfs.diff.tar.gzip","size":%d,"digest":%q}]}`, manifestKind, len(config), digest(config), len(layer), digest(layer))
	if status, _, answer := c.asks(http.MethodPut, "/v2/team/shop/manifests/v1", manifest, manifestKind); status != http.StatusCreated {
		c.Fatalf("push the manifest: %d %s", status, answer)
	}
	return manifest
}

// pull gets the image as the agent of an instance does.
func (c *instanceCloud) pull(layer, manifest []byte) {
	c.Helper()
	c.login()
	for path, want := range map[string][]byte{"manifests/" + digest(manifest): manifest, "blobs/" + digest(layer): layer} {
		if status, _, got := c.asks(http.MethodGet, "/v2/team/shop/"+path, nil, ""); status != http.StatusOK || !bytes.Equal(got, want) {
			c.Errorf("%s: %d %s", path, status, got)
		}
	}
}

// TestTheInstancesPolicyAllowsWhatInstancesDo pulls an image, reads a bundle and publishes logs in a local
// cloud. Its request log says which rights that takes: all of them are in the policy, on those resources alone,
// and so is no other right that ECR and S3 have.
func TestTheInstancesPolicyAllowsWhatInstancesDo(t *testing.T) {
	c := newInstanceCloud(t)
	c.login()
	layer := []byte("layer")
	manifest := c.push(layer)
	bundle, logs := "beansprout/bundles/x.zip", "resources/environments/logs/tail/e-x/i-x/now.txt"
	_, err := c.s3.CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: aws.String(bundleBucket)})
	must.Succeed(t, err)
	_, err = c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bundleBucket), Key: &bundle, Body: strings.NewReader("zip")})
	must.Succeed(t, err)
	before := len(c.cloud.Calls())

	c.pull(layer, manifest)
	_, err = c.s3.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bundleBucket), Key: &bundle})
	must.Succeed(t, err)
	_, err = c.s3.PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String(bundleBucket), Key: &logs, Body: strings.NewReader("log")})
	must.Succeed(t, err)

	var used []string
	for _, call := range c.cloud.Calls()[before:] {
		used = append(used, call.Right())
	}
	slices.Sort(used)
	var has []string
	for _, s := range instance(narrow) {
		for _, action := range s.Action {
			if strings.HasPrefix(action, "ecr:") || strings.HasPrefix(action, "s3:") {
				has = append(has, action)
			}
		}
	}
	slices.Sort(has)
	if !slices.Equal(used, has) {
		t.Errorf("an instance used %q, and its policy has %q", used, has)
	}
	const object, repository = "arn:aws:s3:::" + bundleBucket + "/", "arn:aws:ecr:eu-central-1:123456789012:repository/team/"
	j := newJudge(t, Document(Instance, narrow))
	for _, tt := range []struct {
		action, resource string
		want             bool
	}{
		{"ecr:GetAuthorizationToken", "*", true},
		{"ecr:BatchGetImage", repository + "shop", true}, {"ecr:GetDownloadUrlForLayer", repository + "shop", true},
		{"ecr:BatchGetImage", repository + "bank", false}, {"ecr:PutImage", repository + "shop", false},
		{"s3:GetObject", object + bundle, true}, {"s3:PutObject", object + logs, true},
		{"s3:PutObject", object + bundle, false}, {"s3:GetObject", "arn:aws:s3:::theirs/x", false}, {"s3:DeleteObject", object + logs, false},
		{"elasticbeanstalk:PutInstanceStatistics", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x", true},
		{"elasticbeanstalk:UpdateEnvironment", "arn:aws:elasticbeanstalk:eu-central-1:123456789012:environment/shop/shop-x", false},
		{"secretsmanager:GetSecretValue", narrow.Secrets[0], true}, {"ssm:GetParameters", narrow.Secrets[1], true},
		{"secretsmanager:GetSecretValue", narrow.Secrets[0] + "x", false}, {"ssm:GetParameters", narrow.Secrets[0], false},
		{"ecs:Poll", "*", true}, {"ecs:SubmitTaskStateChange", "*", true},
	} {
		if got := j.allows(tt.action, tt.resource); got != tt.want {
			t.Errorf("%s on %s: %t", tt.action, tt.resource, got)
		}
	}
	docker := narrow
	docker.NoECS = true
	if newJudge(t, Document(Instance, docker)).allows("ecs:Poll", "*") {
		t.Error("an instance that runs no task of ECS has its rights")
	}
}
