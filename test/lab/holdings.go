package lab

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// holdings collects the lines. Ids, digests and addresses are replaced by what they stand for;
// dates and counters are left out.
type holdings struct {
	*Lab
	ctx   context.Context
	lines []string
	token string   // of the registry
	words []string // of strings.NewReplacer: what is particular to this cloud, and what it means
}

// Holdings describes all that the cloud holds, one thing a line, in lines that are the same for
// every cloud to which the same was done.
func (l *Lab) Holdings() string {
	l.Helper()
	h := &holdings{Lab: l, ctx: context.Background(), words: []string{l.Host(), "HOST", l.Account(), "ACCOUNT", l.Name("login"), "NAME"}}
	h.readImages()
	h.readEnvironments()
	h.readObjects()
	h.readVersions()
	words := strings.NewReplacer(h.words...)
	for i, line := range h.lines {
		h.lines[i] = words.Replace(line)
	}
	slices.Sort(h.lines)
	return strings.Join(h.lines, "\n") + "\n"
}

func (h *holdings) say(format string, args ...any) {
	h.lines = append(h.lines, fmt.Sprintf(format, args...))
}

func (h *holdings) means(particular, meaning string) { h.words = append(h.words, particular, meaning) }

// config is for clients that look. They are patient: the cloud may throttle, and has just been called a lot.
func (h *holdings) config() aws.Config {
	c := h.Config()
	c.RetryMaxAttempts = 10
	return c
}

func (h *holdings) check(err error) {
	h.Helper()
	if err != nil {
		h.Fatalf("look at what the cloud holds: %v", err)
	}
}

// digestOf is a digest that serves to tell contents apart.
func digestOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:4])
}

// readImages names images by the files in their layers: two builds of the same differ in
// their dates.
func (h *holdings) readImages() {
	api := ecr.NewFromConfig(h.config())
	h.token = h.login(api)
	repositories, err := api.DescribeRepositories(h.ctx, &ecr.DescribeRepositoriesInput{})
	h.check(err)
	for _, r := range repositories.Repositories {
		policy, err := api.GetLifecyclePolicy(h.ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: r.RepositoryName})
		if err == nil {
			h.say("policy of %s: %s", *r.RepositoryName, aws.ToString(policy.LifecyclePolicyText))
		}
		h.say("repository %s %s", *r.RepositoryName, r.ImageTagMutability)
		list, err := api.ListImages(h.ctx, &ecr.ListImagesInput{RepositoryName: r.RepositoryName})
		h.check(err)
		if len(list.ImageIds) == 0 {
			continue
		}
		images, err := api.BatchGetImage(h.ctx, &ecr.BatchGetImageInput{RepositoryName: r.RepositoryName, ImageIds: list.ImageIds})
		h.check(err)
		for _, i := range images.Images {
			h.readImage(*r.RepositoryName, i)
		}
	}
}

// login returns the token that opens the registry.
func (h *holdings) login(api *ecr.Client) string {
	out, err := api.GetAuthorizationToken(h.ctx, &ecr.GetAuthorizationTokenInput{})
	h.check(err)
	return *out.AuthorizationData[0].AuthorizationToken
}

func (h *holdings) readImage(repository string, i ecrtypes.Image) {
	var manifest struct{ Layers []struct{ Digest string } }
	h.check(json.Unmarshal([]byte(*i.ImageManifest), &manifest))
	content := ""
	for _, layer := range manifest.Layers {
		content += h.layer(repository, layer.Digest)
	}
	name := "image-" + digestOf(content)
	digest := *i.ImageId.ImageDigest
	h.means(digest, name)
	h.means(strings.TrimPrefix(digest, "sha256:")[:12], name)
	h.say("%s is tagged %q", name, aws.ToString(i.ImageId.ImageTag))
}

// layer returns the names and contents of the files in a layer.
func (h *holdings) layer(repository, digest string) (files string) {
	request, err := http.NewRequestWithContext(h.ctx, http.MethodGet, h.Cloud.Endpoint()+"/v2/"+repository+"/blobs/"+digest, nil)
	h.check(err)
	request.Header.Set("Authorization", "Basic "+h.token)
	response, err := http.DefaultClient.Do(request)
	h.check(err)
	defer response.Body.Close()
	plain, err := gzip.NewReader(response.Body)
	h.check(err)
	for archive := tar.NewReader(plain); ; {
		file, err := archive.Next()
		if err == io.EOF {
			return files
		}
		h.check(err)
		text, err := io.ReadAll(archive)
		h.check(err)
		files += file.Name + "\n" + string(text) + "\n"
	}
}

// readEnvironments tells the terminated ones, too: nothing may be launched twice.
func (h *holdings) readEnvironments() {
	api := elasticbeanstalk.NewFromConfig(h.config())
	rows, err := api.DescribeEnvironments(h.ctx, &elasticbeanstalk.DescribeEnvironmentsInput{IncludeDeleted: aws.Bool(true)})
	h.check(err)
	for i, e := range rows.Environments {
		id := fmt.Sprintf("e-%d", i)
		h.means(*e.EnvironmentId, id)
		if e.Status == "Terminated" {
			h.say("environment %s %s of %s is gone", id, *e.EnvironmentName, *e.ApplicationName)
			continue
		}
		h.say("environment %s %s of %s runs %s on %s: %s, %s, %q", id, *e.EnvironmentName, *e.ApplicationName, aws.ToString(e.VersionLabel), aws.ToString(e.PlatformArn), e.Status, e.Health, aws.ToString(e.Description))
		tags, err := api.ListTagsForResource(h.ctx, &elasticbeanstalk.ListTagsForResourceInput{ResourceArn: e.EnvironmentArn})
		h.check(err)
		for _, t := range tags.ResourceTags {
			if _, err := time.Parse(time.RFC3339, *t.Value); err != nil {
				h.say("%s has the tag %s=%s", id, *t.Key, *t.Value)
			}
		}
		settings, err := api.DescribeConfigurationSettings(h.ctx, &elasticbeanstalk.DescribeConfigurationSettingsInput{ApplicationName: e.ApplicationName, EnvironmentName: e.EnvironmentName})
		h.check(err)
		for _, s := range settings.ConfigurationSettings[0].OptionSettings {
			h.say("%s has the setting %s:%s=%s", id, *s.Namespace, *s.OptionName, aws.ToString(s.Value))
		}
	}
}

func (h *holdings) readVersions() {
	api := elasticbeanstalk.NewFromConfig(h.config())
	applications, err := api.DescribeApplications(h.ctx, &elasticbeanstalk.DescribeApplicationsInput{})
	h.check(err)
	for _, a := range applications.Applications {
		h.say("application %s", *a.ApplicationName)
	}
	versions, err := api.DescribeApplicationVersions(h.ctx, &elasticbeanstalk.DescribeApplicationVersionsInput{})
	h.check(err)
	for _, v := range versions.ApplicationVersions {
		h.say("version %s of %s: %q from s3://%s/%s", *v.VersionLabel, *v.ApplicationName, aws.ToString(v.Description), *v.SourceBundle.S3Bucket, *v.SourceBundle.S3Key)
	}
}

// readObjects names versions by what their bundles hold.
func (h *holdings) readObjects() {
	api := s3.NewFromConfig(h.config(), func(o *s3.Options) { o.UsePathStyle = true })
	buckets, err := api.ListBuckets(h.ctx, &s3.ListBucketsInput{})
	h.check(err)
	for _, b := range buckets.Buckets {
		list, err := api.ListObjectsV2(h.ctx, &s3.ListObjectsV2Input{Bucket: b.Name, Prefix: aws.String("beansprout/")}) // Beanstalk has its own
		h.check(err)
		for _, o := range list.Contents {
			object, err := api.GetObject(h.ctx, &s3.GetObjectInput{Bucket: b.Name, Key: o.Key})
			h.check(err)
			body, err := io.ReadAll(object.Body)
			object.Body.Close()
			h.check(err)
			h.readObject("s3://"+*b.Name+"/"+*o.Key, body)
		}
	}
}

func (h *holdings) readObject(place string, body []byte) {
	switch path.Ext(place) {
	case ".zip":
		label := strings.TrimSuffix(path.Base(place), ".zip")
		h.means(label[max(0, len(label)-20):], "version-"+digestOf(h.unzip(body)))
		h.say("bundle %s", place)
	case ".json":
		var record any
		h.check(json.Unmarshal(body, &record))
		text, err := json.Marshal(steady(record))
		h.check(err)
		h.say("record %s: %s", place, text)
	default:
		h.say("object %s", place)
	}
}

// unzip returns the whole content of a bundle, with its images by their meaning.
func (h *holdings) unzip(body []byte) string {
	archive, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	h.check(err)
	all := ""
	for _, f := range archive.File {
		r, err := f.Open()
		h.check(err)
		text, err := io.ReadAll(r)
		h.check(err)
		r.Close()
		all += f.Name + "\n" + string(text) + "\n"
	}
	return strings.NewReplacer(h.words...).Replace(all)
}

// passing are the parts of a record that tell how things went, not how they are.
var passing = []string{"write", "outcome", "durations", "history", "last", "attempt"}

// steady leaves out of a record what differs from run to run: numbers, dates, what is passing.
func steady(v any) any {
	switch v := v.(type) {
	case map[string]any:
		rest := map[string]any{}
		for key, value := range v {
			if value = steady(value); value != nil && !slices.Contains(passing, key) {
				rest[key] = value
			}
		}
		if len(rest) == 0 {
			return nil
		}
		return rest
	case []any:
		var rest []any
		for _, each := range v {
			rest = append(rest, steady(each))
		}
		return rest
	case string:
		if _, err := time.Parse(time.RFC3339, v); err != nil {
			return v
		}
	case bool:
		return v
	}
	return nil
}

// EnvironmentLines returns those of the lines of holdings that are about environments.
func EnvironmentLines(holdings string) string {
	var lines string
	for line := range strings.Lines(holdings) {
		if strings.HasPrefix(line, "environment ") {
			lines += line
		}
	}
	return lines
}

// Difference returns the lines that only one of the texts has.
func Difference(got, want string) string {
	var b strings.Builder
	for _, side := range []struct{ sign, these, others string }{{"-", got, want}, {"+", want, got}} {
		for line := range strings.Lines(side.these) {
			if strings.Count(side.these, line) != strings.Count(side.others, line) {
				b.WriteString(side.sign + line)
			}
		}
	}
	return b.String()
}
