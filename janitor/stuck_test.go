package janitor_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/janitor"
	"beansprout/localcloud"
	"beansprout/test/source"
)

// pictured is the source of an application that is one file and one image.
type pictured struct{ source.Page }

func (p pictured) Images(ctx context.Context, t envs.Target) ([]envs.Image, error) {
	image, err := random.Image(1000, 1)
	if err != nil {
		return nil, err
	}
	uri, err := t.Registry.Repository(ctx)
	if err != nil {
		return nil, err
	}
	user, password, err := t.Registry.Login(ctx, uri, []string{"web"})
	if err != nil {
		return nil, err
	}
	ref, err := name.ParseReference(uri+":"+string(p.Page), name.Insecure)
	if err != nil {
		return nil, err
	}
	if err := remote.Write(ref, image, remote.WithContext(ctx), remote.WithAuth(&authn.Basic{Username: user, Password: password})); err != nil {
		return nil, err
	}
	digest, err := image.Digest()
	return []envs.Image{{Name: "web", Reference: uri + "@" + digest.String(), Digest: digest.String(), Platform: "linux/amd64"}}, err
}

// hindered is the way to a cloud that refuses one kind of call.
type hindered struct {
	call string // the beginning of a method and path, or what the form or the target says; "" refuses none
	hits int
}

// Do sends a call, or answers that it is refused.
func (h *hindered) Do(r *http.Request) (*http.Response, error) {
	call, text := r.Method+" "+r.URL.Path, "<Error><Code>AccessDenied</Code><Message>No.</Message></Error>"
	header := http.Header{}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		call, text = target, `{"__type":"AccessDeniedException","message":"AccessDenied: no."}`
		header.Set("Content-Type", "application/x-amz-json-1.1")
	} else if r.Body != nil && r.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		r = r.Clone(r.Context())
		call, text, r.Body = string(body), denied, io.NopCloser(strings.NewReader(string(body)))
	}
	if h.call == "" || !strings.Contains(call, h.call) {
		return http.DefaultClient.Do(r)
	}
	h.hits++
	return &http.Response{StatusCode: http.StatusForbidden, Header: header, Body: io.NopCloser(strings.NewReader(text)), Request: r}, nil
}

// everything returns what is there that is named after an environment.
func (e *estate) everything(environment string) (found []string) {
	e.Helper()
	ctx, free := e.Context(), e.aws.Copy()
	free.HTTPClient = http.DefaultClient
	client := elasticbeanstalk.NewFromConfig(free)
	rows, err := client.DescribeEnvironments(ctx, &elasticbeanstalk.DescribeEnvironmentsInput{EnvironmentNames: []string{environment}, IncludeDeleted: aws.Bool(false)})
	if err != nil {
		e.Fatal(err)
	}
	for _, row := range rows.Environments {
		found = append(found, "environment "+aws.ToString(row.EnvironmentId))
	}
	versions, err := client.DescribeApplicationVersions(ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{ApplicationName: aws.String("shop")})
	if err != nil {
		e.Fatal(err)
	}
	for _, v := range versions.ApplicationVersions {
		found = append(found, "version "+aws.ToString(v.VersionLabel))
	}
	bucket, err := client.CreateStorageLocation(ctx, &elasticbeanstalk.CreateStorageLocationInput{})
	if err != nil {
		e.Fatal(err)
	}
	objects, err := s3.NewFromConfig(free, func(o *s3.Options) { o.UsePathStyle = true }).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: bucket.S3Bucket, Prefix: aws.String("beansprout/bundles/")})
	if err != nil {
		e.Fatal(err)
	}
	for _, o := range objects.Contents {
		found = append(found, "bundle "+aws.ToString(o.Key))
	}
	images, err := ecr.NewFromConfig(free).ListImages(ctx, &ecr.ListImagesInput{RepositoryName: aws.String("shop"), Filter: &ecrtypes.ListImagesFilter{TagStatus: ecrtypes.TagStatusTagged}})
	if err != nil {
		e.Fatal(err)
	}
	for _, image := range images.ImageIds {
		if tag := aws.ToString(image.ImageTag); strings.HasPrefix(tag, "live-") {
			found = append(found, "image tag "+tag)
		}
	}
	return found
}

// TestWhatIsStuckIsNamedAndGoesInTheEnd refuses each of the calls that a removal makes.
func TestWhatIsStuckIsNamedAndGoesInTheEnd(t *testing.T) {
	e := &estate{T: t}
	e.open()
	way := &hindered{}
	e.aws.HTTPClient = way
	manager := func() *envs.Manager {
		return e.manager(func(c *envs.Config) { c.Repository, c.Days.RestoreFor = envs.Repository{Name: "shop"}, 0 })
	}
	settings := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	for i, tt := range []struct {
		what, call, kind string
		named            int // how many sweeps name it until it is a day old
	}{
		{"environment", "Action=TerminateEnvironment&", "environment ", 3},
		{"version", "Action=DeleteApplicationVersion&", "version ", 3},
		{"bundle", "/beansprout/bundles/", "bundle ", 3},
		{"image-tag", "BatchDeleteImage", "image tag ", 3},
	} {
		t.Run(tt.what, func(t *testing.T) {
			e.T = t
			feature := fmt.Sprint(tt.what, i)
			deployed, err := manager().Deploy(t.Context(), envs.Deployment{
				Feature: feature, Commit: "1a2b3c4", Owner: "Kim", Source: pictured{source.Page(feature)}, Settings: settings.List(),
				Base: envs.Base{Platform: "ECS running on 64bit Amazon Linux 2023"}, Check: envs.HealthCheck{Off: true},
			}, envs.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if there := e.everything(deployed.Environment.Name); len(there) != 4 {
				t.Fatalf("there are %q, want one of each", there)
			}
			e.advance(passed)
			way.call, way.hits = tt.call, 0
			for n := range 3 {
				report, err := e.swept(e.janitor(manager()), nil)
				said := ""
				for _, d := range append(report.Decisions, report.Leftovers...) {
					if d.Env.Name == deployed.Environment.Name {
						said += d.Reason
						if d.Err != nil {
							said += d.Err.Error()
						}
					}
				}
				if said == "" && n < tt.named || n == 0 && (err == nil || !strings.Contains(said, "AccessDenied")) {
					t.Errorf("sweep %d says %q of it, and ends with %v", n, said, err)
				}
				e.advance(time.Hour)
			}
			if there := strings.Join(e.everything(deployed.Environment.Name), "\n"); way.hits == 0 || !strings.Contains(there, tt.kind) {
				t.Errorf("%d calls were refused, and there is left: %s", way.hits, there)
			}
			way.call = ""
			e.advance(day + time.Minute)
			for range 3 {
				if _, err := e.swept(e.janitor(manager()), nil); err != nil {
					t.Errorf("when nothing is in the way: %v", err)
				}
			}
			if there := e.everything(deployed.Environment.Name); len(there) > 0 {
				t.Errorf("there is left: %q", there)
			}
		})
	}
}

// TestATerminationThatHangsIsNamed has AWS remove an environment for ever.
func TestATerminationThatHangsIsNamed(t *testing.T) {
	e := &estate{T: t}
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir(), TerminateTime: 1000 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	e.use(cloud)
	m := e.manager(nil)
	e.deploy(m, "hangs")
	env, err := m.Get(t.Context(), "shop", "hangs")
	if err == nil {
		_, err = elasticbeanstalk.NewFromConfig(e.aws).TerminateEnvironment(t.Context(), &elasticbeanstalk.TerminateEnvironmentInput{EnvironmentId: &env.ID})
	}
	if err != nil {
		t.Fatal(err)
	}
	e.advance(35 * time.Minute)
	for range 3 {
		report, err := e.swept(e.janitor(m), nil)
		if all := report.Decisions; err != nil || len(all) != 1 || all[0].Action != janitor.Wait || !strings.Contains(all[0].Reason, "AWS has been removing it since") {
			t.Errorf("a sweep says %+v, %v", all, err)
		}
		e.advance(time.Hour)
	}
}
