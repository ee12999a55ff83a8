package lab

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"hash/crc32"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"beansprout/envs"
	"beansprout/localcloud"
	"beansprout/test/must"
)

// A Lab is a local cloud of its own in the test's process, whose environments only pretend to run,
// and an application for the binary to deploy there.
type Lab struct {
	testing.TB
	Cloud  *localcloud.Cloud
	Home   string            // the cloud's directory
	Dir    string            // the application's
	Env    map[string]string // of the binary
	UpArgs []string          // of Up and Down: the feature
	Limit  time.Duration     // of a run, which is then killed and prints its goroutines
}

// Application is the name of the application.
const Application = "hello"

// files are the smallest application that has an image.
var files = map[string]string{
	"beansprout.yaml": `application: hello
build: {web: {context: web}}
environment:
  platform: ECS running on 64bit Amazon Linux 2023
  instance_type: t3.micro
  variables: {MODE: one}
dockerrun: {template: Dockerrun.template.json}
`,
	"Dockerrun.template.json": `{
  "AWSEBDockerrunVersion": 2,
  "containerDefinitions": [{
    "name": "web", "image": "${image.web}", "memory": 64, "portMappings": [{"hostPort": 80, "containerPort": 8080}],
    "environment": [{"name": "COMMIT", "value": "${commit}"}]
  }]
}
`,
	"web/Dockerfile": "FROM scratch\nCOPY page /page\n",
	"web/page":       "one\n",
}

// New opens a cloud and writes the application's files. Both are gone after the test.
func New(t testing.TB, cfg localcloud.Config) *Lab {
	t.Helper()
	Provide(t)
	dir := t.TempDir()
	cfg.Dir = filepath.Join(dir, "cloud")
	cloud, err := localcloud.Open(t.Context(), cfg)
	must.Succeed(t, err)
	l := &Lab{TB: t, Cloud: cloud, Home: cfg.Dir, Dir: filepath.Join(dir, "app"), Env: environment(dir, cfg.Dir), UpArgs: []string{"--feature", "login"}, Limit: 5 * time.Minute}
	t.Cleanup(l.close)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		l.Write(name, files[name])
	}
	return l
}

// environment returns the variables that the binary gets, and no others.
func environment(home, cloud string) map[string]string {
	return map[string]string{
		"HOME": home, "PATH": os.Getenv("PATH"), "GORACE": "atexit_sleep_ms=0", "DOCKER_HOST": os.Getenv("DOCKER_HOST"),
		"BEANSPROUT_LOCAL_DIR": cloud, "GIT_COMMIT": strings.Repeat("1", 40), "CHANGE_AUTHOR": "Kim Dev",
	}
}

// Write writes a file of the application. Its date is a function of its content: equal files make
// equal images, and the builder sees a change by the date.
func (l *Lab) Write(name, text string) {
	l.Helper()
	path := filepath.Join(l.Dir, name)
	err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644))
	must.Succeed(l, errors.Join(err, os.Chtimes(path, time.Time{}, time.Unix(int64(crc32.ChecksumIEEE([]byte(text))), 0))))
}

// Edit writes one of the application's first files, with a text replaced in it.
func (l *Lab) Edit(name, old, replacement string) {
	l.Helper()
	l.Write(name, strings.Replace(files[name], old, replacement, 1))
}

func (l *Lab) close() {
	if err := l.Cloud.Close(context.Background()); err != nil {
		l.Errorf("close the cloud: %v", err)
	}
	RemoveImages(l.Host())
}

// Host is the cloud's address, which the references of images begin with.
func (l *Lab) Host() string { return strings.TrimPrefix(l.Cloud.Endpoint(), "http://") }

// Account is the number of the cloud's account.
func (l *Lab) Account() string {
	l.Helper()
	return l.Running().Account
}

// Running describes the cloud as the binary finds it.
func (l *Lab) Running() localcloud.Running {
	l.Helper()
	cloud, err := localcloud.Status(l.Env["BEANSPROUT_LOCAL_DIR"])
	must.Succeed(l, err)
	return cloud
}

// Name returns the name of a feature's environment.
func (l *Lab) Name(feature string) string {
	l.Helper()
	return envs.Name(l.Account(), Application, feature)
}

// Record returns the record of a feature's environment.
func (l *Lab) Record(feature string) []byte {
	l.Helper()
	api := s3.NewFromConfig(l.Config(), func(o *s3.Options) { o.UsePathStyle = true })
	bucket := "elasticbeanstalk-" + Region + "-" + l.Account()
	object, err := api.GetObject(context.Background(), &s3.GetObjectInput{Bucket: &bucket, Key: aws.String("beansprout/ledger/" + l.Name(feature) + ".json")})
	must.Succeed(l, err)
	defer object.Body.Close()
	text, err := io.ReadAll(object.Body)
	must.Succeed(l, err)
	return text
}

// Config makes AWS clients that reach the cloud directly, even after Through.
func (l *Lab) Config() aws.Config {
	key, secret := l.Cloud.Credentials()
	return Config(localcloud.Running{Endpoint: l.Cloud.Endpoint(), Key: key, Secret: secret})
}

// Through has the binary reach the cloud at another address.
func (l *Lab) Through(endpoint string) {
	l.Helper()
	l.Env["BEANSPROUT_LOCAL_DIR"] = Detour(l.TB, l.Running(), endpoint)
}

// NewArtifact is New with a WAR file as the application, which needs no Docker Engine.
func NewArtifact(t testing.TB) *Lab {
	t.Helper()
	l := New(t, localcloud.Config{})
	l.Zip("app.war", "index.html")
	l.Write("beansprout.yaml", "application: hello\nartifact: app.war\nenvironment: {platform: Tomcat 11 with Corretto 21 running on 64bit Amazon Linux 2023}\n")
	return l
}

// Zip writes an archive of empty files into the application's directory.
func (l *Lab) Zip(name string, files ...string) {
	l.Helper()
	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	for _, f := range files {
		_, err := w.Create(f)
		must.Succeed(l, err)
	}
	must.Succeed(l, w.Close())
	l.Write(name, archive.String())
}
