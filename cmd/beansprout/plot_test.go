package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticbeanstalk"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/cmd/internal/awsconfig"
	"beansprout/cmd/internal/commandline"
	"beansprout/cmd/internal/failure"
	"beansprout/envs"
	"beansprout/envs/beanstalk"
	"beansprout/envs/store"
	"beansprout/localcloud"
	"beansprout/test/must"
)

const corretto = "  platform: Corretto 21 running on 64bit Amazon Linux 2023\n"

// allowed lets a Changer make every call.
func allowed(context.Context) error { return nil }

// plot is a local cloud without Docker for the verbs that need no image.
type plot struct {
	*testing.T
	cloud   *localcloud.Cloud
	dir     string
	config  string
	account string
	aws     aws.Config
	store   *store.Store
	// beanstalk speaks to the cloud as another process does, with no lease.
	beanstalk *beanstalk.Client
	former    bool // environments get the names that older versions gave
}

func newPlot(t *testing.T, cfg localcloud.Config) *plot {
	t.Helper()
	cfg.Dir = filepath.Join(t.TempDir(), "cloud")
	p := openPlot(t, cfg)
	must.Succeed(t, p.beanstalk.Changing(allowed).CreateApplication(t.Context(), "shop"))
	return p
}

// openPlot opens the cloud that is in a directory.
func openPlot(t *testing.T, cfg localcloud.Config) *plot {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), cfg)
	must.Succeed(t, err)
	t.Cleanup(func() { _ = cloud.Close(context.Background()) })
	key, secret := cloud.Credentials()
	p := &plot{T: t, cloud: cloud, dir: cfg.Dir, config: shop(t)}
	p.aws = awsconfig.Local(localcloud.Running{Endpoint: cloud.Endpoint(), Key: key, Secret: secret}, localRegion)
	m, err := envs.New(t.Context(), p.aws, envs.Config{})
	if err == nil {
		p.account, err = m.Account(t.Context())
	}
	must.Succeed(t, err)
	p.beanstalk = beanstalk.New(p.bare(), awsconfig.Plain())
	p.store = store.New(s3.NewFromConfig(p.aws), "elasticbeanstalk-"+localRegion+"-"+p.account)
	p.store.Create = func(ctx context.Context) error {
		_, err := p.beanstalk.Bucket(ctx)
		return err
	}
	return p
}

// bare is a client for what Beansprout itself never does.
func (p *plot) bare() *elasticbeanstalk.Client { return elasticbeanstalk.NewFromConfig(p.aws) }

// put writes into the bucket as an instance can.
func (p *plot) put(key, text string) {
	p.Helper()
	_, err := s3.NewFromConfig(p.aws).PutObject(p.Context(), &s3.PutObjectInput{Bucket: aws.String(p.store.Bucket()), Key: &key, Body: strings.NewReader(text)})
	must.Succeed(p, err)
}

func (p *plot) name(feature string) string {
	if p.former {
		return envs.FormerName(p.account, "shop", feature)
	}
	return envs.Name(p.account, "shop", feature)
}

// version registers a bundle for the environment of a feature, as up does.
func (p *plot) version(feature string) string {
	p.Helper()
	const bundle = "bundle"
	digest := fmt.Sprintf("%x", sha256.Sum256([]byte(bundle)))
	label := envs.VersionLabel(p.name(feature), digest)
	err := p.store.Changing(allowed).Upload(p.Context(), store.BundleKey(label, "zip"), strings.NewReader(bundle), int64(len(bundle)), digest)
	if err == nil {
		_, err = p.beanstalk.Changing(allowed).Register(p.Context(), beanstalk.Version{
			Application: "shop", Label: label, Description: "x", Bucket: p.store.Bucket(), Key: store.BundleKey(label, "zip"),
		})
	}
	must.Succeed(p, err)
	return label
}

// launch asks for the environment of a feature, as up does.
func (p *plot) launch(feature string) beanstalk.Operation {
	p.Helper()
	return p.launchTagged(feature, envs.Ephemeral)
}

func (p *plot) launchTagged(feature, lifecycle string) beanstalk.Operation {
	p.Helper()
	tags := envs.NewTags(feature, "Kim", time.Now())
	tags[envs.TagLifecycle] = lifecycle
	platform, err := p.beanstalk.Platform(p.Context(), "ECS running on 64bit Amazon Linux 2023")
	must.Succeed(p, err)
	wish := beanstalk.Settings{InstanceProfile: "aws-elasticbeanstalk-ec2-role", ServiceRole: "aws-elasticbeanstalk-service-role"}
	op, err := p.beanstalk.Changing(allowed).Launch(p.Context(), beanstalk.Launch{
		Name: p.name(feature), Application: "shop", Description: envs.Description{Feature: feature, Commit: "abc", Owner: "Kim"}.String(),
		Version: p.version(feature), Tags: tags, Base: beanstalk.Base{Platform: platform}, Settings: wish.List(),
	})
	must.Succeed(p, err)
	return op
}

// sprout launches the environment of a feature and waits until it is Ready.
func (p *plot) sprout(feature string) envs.Env {
	p.Helper()
	return p.ready(p.launch(feature).Environment())
}

// ready waits until AWS is no longer at work on an environment, and asks more often than the product.
func (p *plot) ready(id string) envs.Env {
	p.Helper()
	for deadline := time.Now().Add(5 * time.Minute); ; time.Sleep(10 * time.Millisecond) {
		now, err := p.beanstalk.Get(p.Context(), id)
		if err != nil || time.Now().After(deadline) {
			p.Fatalf("%s is %s, %v", id, now.State, err)
		}
		if now.State == envs.Ready {
			return now
		}
	}
}

func (p *plot) run(args ...string) said {
	p.Helper()
	return beansprout(p.Context(), p.T, p.dir, slices.Insert(slices.Clone(args), 1, "--config", p.config)...)
}

// ok runs a verb that must succeed and returns what it prints.
func (p *plot) ok(args ...string) string {
	p.Helper()
	out := p.run(args...)
	if out.code != 0 {
		p.Fatalf("%q ends with %d: %s", args, out.code, out.stderr)
	}
	return out.stdout
}

// refused runs a verb that must end with the code and say all of the texts.
func (p *plot) refused(code int, texts []string, args ...string) {
	p.Helper()
	out := p.run(args...)
	for _, text := range append(texts, "hint: ") {
		if out.code != code || !strings.Contains(out.stderr, text) {
			p.Errorf("%q ends with %d, %s; want %d, %q", args, out.code, out.stderr, code, text)
		}
	}
}

func (p *plot) status(feature string) (v state) {
	p.Helper()
	must.Succeed(p, json.Unmarshal([]byte(p.ok("status", "--json", feature)), &v))
	return v
}

// said is what a run of the program in this process came to.
type said struct {
	stdout, stderr string
	code           int
}

// beansprout runs the program in this process against the local cloud in dir.
func beansprout(ctx context.Context, t *testing.T, dir string, args ...string) said {
	t.Helper()
	t.Setenv("BEANSPROUT_LOCAL_DIR", dir)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(filepath.Dir(dir), "cache"))
	var stdout, stderr bytes.Buffer
	app := newApp(&stdout, &stderr)
	err := app.RunContext(ctx, commandline.Reorder(app, append([]string{"beansprout", "--local"}, args...)))
	if err != nil {
		stderr.WriteString(failure.Render(err))
	}
	return said{stdout.String(), stderr.String(), failure.ExitCode(err)}
}

// shop writes a beansprout.yaml of the application shop and returns its path.
func shop(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "beansprout.yaml")
	must.Succeed(t, os.WriteFile(path, []byte("application: shop\nbuild: {web: {context: .}}\n"), 0o600))
	return path
}

// deploys makes the plot's configuration one that deploys an archive with this content.
func (p *plot) deploys(environment, content string) {
	p.Helper()
	dir := filepath.Dir(p.config)
	f, err := os.Create(filepath.Join(dir, "app.zip"))
	must.Succeed(p, err)
	w := zip.NewWriter(f)
	page, err := w.Create("page")
	if err == nil {
		_, err = io.WriteString(page, content)
	}
	must.Succeed(p, errors.Join(err, w.Close(), f.Close()))
	text := "application: shop\nartifact: app.zip\nenvironment:\n  check: off\n" + environment
	must.Succeed(p, os.WriteFile(p.config, []byte(text), 0o600))
}

// up deploys the feature and returns what it prints and says.
func (p *plot) up(feature string) said {
	p.Helper()
	return p.run("up", "--feature", feature, filepath.Dir(p.config))
}
