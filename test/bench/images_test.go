package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"beansprout/builder"
	"beansprout/envs/ecr"
	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// workshop is where images are made by two sorts of tools: the builder, and the docker
// command. Both reach the same engine through one proxy, and push to the same registry.
type workshop struct {
	*lab.Lab
	b       *testing.B
	engine  *counted
	builder *builder.Builder
	uri     string
	docker  string // the command
	config  string // its directory
	luck    *rand.Rand
}

func newWorkshop(b *testing.B, cfg localcloud.Config) *workshop {
	lab.NeedEngine(b)
	w := &workshop{Lab: lab.New(b, cfg), b: b, docker: tool(b, "docker", "/usr/bin/docker"), luck: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))}
	w.engine = countEngine(b)
	b.Setenv("DOCKER_HOST", w.engine.address)
	var err error
	w.builder, err = builder.Connect(b.Context())
	must.Succeed(b, err)
	b.Cleanup(func() { w.builder.Close() })
	w.login()
	return w
}

// login makes the repository, and gives the docker command what docker login would.
func (w *workshop) login() {
	w.Helper()
	registry, err := w.registry(w.b.Context())
	must.Succeed(w, err)
	w.uri = registry.Repository
	credentials, err := registry.Login(w.b.Context())
	must.Succeed(w, err)
	auth := base64.StdEncoding.EncodeToString([]byte(credentials.Username + ":" + credentials.Password))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{w.Host(): map[string]string{"auth": auth}}})
	w.config = w.TempDir()
	must.Succeed(w, errors.Join(err, os.WriteFile(filepath.Join(w.config, "config.json"), text, 0o600)))
}

// registry is what up gives to the builder.
func (w *workshop) registry(ctx context.Context) (builder.Registry, error) {
	registry := ecr.NewOwn(awsecr.NewFromConfig(w.Config()))
	uri, _, err := registry.Create(ctx, lab.Application, ecr.Settings{})
	return builder.Registry{
		Repository: uri,
		Image: func(ctx context.Context, tag string) (digest, config string, err error) {
			digest, config, err = registry.Image(ctx, uri, tag)
			if errors.Is(err, ecr.ErrNoImage) {
				return "", "", nil
			}
			return digest, config, err
		},
		Login: func(ctx context.Context) (builder.Credentials, error) {
			token, err := registry.Token(ctx, uri)
			return builder.Credentials{Username: token.Username, Password: token.Password}, err
		},
	}, err
}

// withBuilder builds and pushes the directories' images with the builder.
func (w *workshop) withBuilder(dirs ...string) func() error {
	var sources []builder.Source
	for _, dir := range dirs {
		context, dockerfile := contextOf(dir)
		name := strings.ToLower(filepath.Base(dir))
		sources = append(sources, builder.Source{Name: name, Dir: context, Context: context, Dockerfile: dockerfile, Local: "bench-" + name})
	}
	return func() error {
		_, err := w.builder.Build(w.b.Context(), sources, w.registry, builder.Options{})
		return err
	}
}

// withDocker builds and pushes them one after the other with the docker command, with the CLI's
// BuildKit or without it.
func (w *workshop) withDocker(buildkit bool, dirs ...string) func() error {
	mode := map[bool]string{true: "1", false: "0"}[buildkit]
	return func() error {
		for _, dir := range dirs {
			context, dockerfile := contextOf(dir)
			tag := w.uri + ":" + strings.ToLower(filepath.Base(dir)) + "-" + mode
			build := []string{"build", "--quiet", "--tag", tag, "--file", filepath.Join(context, dockerfile), context}
			for _, args := range [][]string{build, {"push", "--quiet", tag}} {
				cmd := exec.Command(w.docker, args...)
				cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT="+mode, "DOCKER_CONFIG="+w.config)
				if err := shell(cmd); err != nil {
					return err
				}
			}
		}
		return nil
	}
}

// contextOf tells the context and the Dockerfile of an image's directory. The two of
// examples/hello share the context above them.
func contextOf(dir string) (context, dockerfile string) {
	if above := filepath.Dir(dir); filepath.Base(above) == "hello" {
		return above, filepath.Join(filepath.Base(dir), "Dockerfile")
	}
	return dir, "Dockerfile"
}

// fill makes a context of so many random files of equal size.
func (w *workshop) fill(name string, files, size int) (dir string) {
	w.Helper()
	dir = filepath.Join(w.Dir, name)
	for i := range files {
		w.put(filepath.Join(dir, fmt.Sprintf("%02d", i%50), fmt.Sprintf("%04d", i)), size)
	}
	must.Succeed(w, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o644))
	return dir
}

// put writes a file of random bytes.
func (w *workshop) put(path string, size int) {
	w.Helper()
	content := make([]byte, size)
	for i := 0; i+8 <= size; i += 8 {
		word := w.luck.Uint64()
		for j := range 8 {
			content[i+j] = byte(word >> (8 * j))
		}
	}
	must.Succeed(w, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)))
}

const (
	manyFiles = 5000
	fileSize  = 20 << 10 // of each: 100 MB in all
	oneImage  = 30 << 20
)

// BenchmarkImages compares building and pushing with the docker command, on a context of 5,000
// files and 100 MB that is generated, and on examples/hello without its prepare.
func BenchmarkImages(b *testing.B) {
	w := newWorkshop(b, localcloud.Config{})
	t := newTable("Images", "Beansprout", "docker build + docker push")
	classic := w.fill("classic", manyFiles, fileSize)
	hello := w.hello()
	for _, prepare := range []func() error{w.withDocker(false, classic), w.withDocker(false, hello...), w.withDocker(true, hello...), w.withBuilder(hello...)} {
		timed(b, prepare)
	}
	for i := 0; b.Loop(); i++ {
		w.round(t, i%2 == 0, classic, hello)
		w.whole(t)
	}
	t.print()
}

// round measures everything once. Who is first changes from round to round.
func (w *workshop) round(t *table, first bool, classic string, hello []string) {
	ours, theirs := w.fill("ours", manyFiles, fileSize), w.fill("theirs", manyFiles, fileSize)
	us, them := w.sides(first, w.withBuilder(ours), w.withDocker(true, theirs))
	t.times("cold, 5,000 files of 100 MB, against BuildKit", 1.1, us, them)

	w.put(filepath.Join(ours, "01", "0001"), fileSize)
	w.put(filepath.Join(theirs, "01", "0001"), fileSize)
	var sent int64
	us, them = w.sides(first, func() error {
		before := w.engine.sent.Load()
		err := w.withBuilder(ours)()
		sent = w.engine.sent.Load() - before
		return err
	}, w.withDocker(true, theirs))
	t.times("one file of them changed, against BuildKit", 1.05, us, them)
	t.counts("one file changed: bytes to the engine", "kB", 1.05*fileSize/1e3+500, float64(sent)/1e3)

	requests, calls := w.engine.requests(), len(w.Cloud.Calls())
	unchanged := timed(w.b, w.withBuilder(ours))
	t.counts("nothing changed: requests to the engine to build or push", "", 0, float64(w.engine.requests()-requests))
	t.counts("nothing changed: requests to the registry", "", 2, float64(len(w.Cloud.Calls())-calls))
	t.times("nothing changed, against BuildKit", 0.5, unchanged, timed(w.b, w.withDocker(true, theirs)))
	t.times("nothing changed, against the classic builder", 0.1, unchanged, timed(w.b, w.withDocker(false, classic)))

	unchanged = timed(w.b, w.withBuilder(hello...))
	t.times("nothing changed, examples/hello, against BuildKit", 0.5, unchanged, timed(w.b, w.withDocker(true, hello...)))
	t.times("nothing changed, examples/hello, against the classic builder", 0.5, unchanged, timed(w.b, w.withDocker(false, hello...)))

	us, them = w.sides(first, w.withBuilder(w.three("a")...), w.oneByOne(w.three("b")))
	t.times("three images of 30 MB, against ours one after the other", 0.75, us, them)
	lab.RemoveImages(w.Host())
	for _, dir := range []string{ours, theirs} {
		must.Succeed(w, os.RemoveAll(dir))
	}
}

// whole measures an up in which nothing has changed, with the same files.
func (w *workshop) whole(t *table) {
	w.Edit("beansprout.yaml", "context: web", "context: classic")
	w.Must(w.Up()...)
	t.says("nothing changed: the whole of up", "s", w.Must(w.Up()...).Took.Seconds())
}

// sides times both.
func (w *workshop) sides(builderFirst bool, withBuilder, withDocker func() error) (us, them time.Duration) {
	w.Helper()
	syscall.Sync() // what was generated is not written during a measurement
	if builderFirst {
		us = timed(w.b, withBuilder)
	}
	them = timed(w.b, withDocker)
	if !builderFirst {
		us = timed(w.b, withBuilder)
	}
	return us, them
}

func (w *workshop) three(name string) (dirs []string) {
	for i := range 3 {
		dirs = append(dirs, w.fill(fmt.Sprint(name, i), 1, oneImage))
	}
	return dirs
}

func (w *workshop) oneByOne(dirs []string) func() error {
	return func() error {
		for _, dir := range dirs {
			if err := w.withBuilder(dir)(); err != nil {
				return err
			}
		}
		return nil
	}
}

// hello copies examples/hello and compiles it, which is left out of what is measured.
func (w *workshop) hello() (images []string) {
	w.Helper()
	dir := filepath.Join(w.Dir, "hello")
	must.Succeed(w, os.CopyFS(dir, os.DirFS("../../examples/hello")))
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s", "-o", "bin/", "./web", "./backend")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	must.Succeed(w, shell(cmd))
	images = []string{filepath.Join(dir, "web"), filepath.Join(dir, "backend")}
	for _, image := range images {
		w.plain(filepath.Join(image, "Dockerfile"))
	}
	return images
}

// plain takes out of a Dockerfile what the classic builder doesn't know.
func (w *workshop) plain(dockerfile string) {
	w.Helper()
	text, err := os.ReadFile(dockerfile)
	if err == nil {
		err = os.WriteFile(dockerfile, bytes.ReplaceAll(text, []byte("--chmod=755 "), nil), 0o644)
	}
	must.Succeed(w, err)
}

// BenchmarkMemory measures the most that up holds in memory with a context of 1 GB.
func BenchmarkMemory(b *testing.B) {
	lab.NeedEngine(b)
	t := newTable("Memory", "Beansprout", "")
	for b.Loop() {
		for name, files := range map[string]int{"a context of 1 GB in one file": 1, "a context of 1 GB in 1,000 files": 1000} {
			l := lab.New(b, localcloud.Config{})
			for i := range files {
				path := filepath.Join(l.Dir, "web", fmt.Sprintf("f%04d", i))
				must.Succeed(b, errors.Join(os.WriteFile(path, []byte(fmt.Sprint(i)), 0o644), os.Truncate(path, (1<<30)/int64(files))))
			}
			l.Write("web/Dockerfile", "FROM scratch\nCOPY . /\n")
			cmd := l.Command(l.Up())
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = io.Discard, &out
			if err := cmd.Run(); err != nil {
				b.Fatalf("%v\n%s", err, out.String())
			}
			t.counts(name, "MB", 100, float64(cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss)/1e3)
		}
	}
	t.print()
}
