package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"beansprout/builder"
	"beansprout/builder/ecr"
	"beansprout/localcloud"
)

// workshop is where images are made by two sorts of tools: the builder, and the docker
// command. Both reach the same engine through one proxy, and push to the same registry.
type workshop struct {
	*lab
	b       *testing.B
	engine  *counted
	builder *builder.Builder
	uri     string
	docker  string // the command
	config  string // its directory
	luck    *rand.Rand
}

func newWorkshop(b *testing.B, cfg localcloud.Config) *workshop {
	needEngine(b)
	w := &workshop{lab: newLab(b, cfg), b: b, docker: tool(b, "docker", "/usr/bin/docker"), luck: rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))}
	w.engine = countEngine(b)
	b.Setenv("DOCKER_HOST", w.engine.address)
	var err error
	if w.builder, err = builder.Connect(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { w.builder.Close() })
	w.login()
	return w
}

// login makes the repository, and gives the docker command what docker login would.
func (w *workshop) login() {
	w.Helper()
	registry, err := w.registry(w.b.Context())
	if err != nil {
		w.Fatal(err)
	}
	w.uri = registry.Repository
	credentials, err := registry.Login(w.b.Context())
	if err != nil {
		w.Fatal(err)
	}
	auth := base64.StdEncoding.EncodeToString([]byte(credentials.Username + ":" + credentials.Password))
	text, err := json.Marshal(map[string]any{"auths": map[string]any{w.host(): map[string]string{"auth": auth}}})
	w.config = w.TempDir()
	if err = errors.Join(err, os.WriteFile(filepath.Join(w.config, "config.json"), text, 0o600)); err != nil {
		w.Fatal(err)
	}
}

// registry is what up gives to the builder.
func (w *workshop) registry(ctx context.Context) (builder.Registry, error) {
	clients := localClients(w.running(), localRegion)
	uri, _, err := clients.registry.Repository(ctx, labApplication, ecr.Settings{})
	return builder.Registry{
		Repository: uri,
		Image: func(ctx context.Context, tag string) (digest, config string, err error) {
			digest, config, err = clients.registry.Image(ctx, uri, tag)
			if errors.Is(err, ecr.ErrNoImage) {
				return "", "", nil
			}
			return digest, config, err
		},
		Login: func(ctx context.Context) (builder.Credentials, error) {
			token, err := clients.registry.Token(ctx, uri)
			return builder.Credentials{Username: token.Username, Password: token.Password}, err
		},
	}, err
}

// ours builds and pushes the directories' images with the builder.
func (w *workshop) ours(dirs ...string) func() error {
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

// theirs builds and pushes them one after the other with the docker command, with the CLI's
// BuildKit or without it.
func (w *workshop) theirs(buildkit bool, dirs ...string) func() error {
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
	dir = filepath.Join(w.dir, name)
	for i := range files {
		w.put(filepath.Join(dir, fmt.Sprintf("%02d", i%50), fmt.Sprintf("%04d", i)), size)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY . /\n"), 0o644); err != nil {
		w.Fatal(err)
	}
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
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
		w.Fatal(err)
	}
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
	for _, prepare := range []func() error{w.theirs(false, classic), w.theirs(false, hello...), w.theirs(true, hello...), w.ours(hello...)} {
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
	us, them := w.sides(first, w.ours(ours), w.theirs(true, theirs))
	t.times("cold, 5,000 files of 100 MB, against BuildKit", 1.1, us, them)

	w.put(filepath.Join(ours, "01", "0001"), fileSize)
	w.put(filepath.Join(theirs, "01", "0001"), fileSize)
	var sent int64
	us, them = w.sides(first, func() error {
		before := w.engine.sent.Load()
		err := w.ours(ours)()
		sent = w.engine.sent.Load() - before
		return err
	}, w.theirs(true, theirs))
	t.times("one file of them changed, against BuildKit", 1.05, us, them)
	t.counts("one file changed: bytes to the engine", "kB", 1.05*fileSize/1e3+500, float64(sent)/1e3)

	requests, calls := w.engine.requests(), len(w.cloud.Calls())
	unchanged := timed(w.b, w.ours(ours))
	t.counts("nothing changed: requests to the engine to build or push", "", 0, float64(w.engine.requests()-requests))
	t.counts("nothing changed: requests to the registry", "", 2, float64(len(w.cloud.Calls())-calls))
	t.times("nothing changed, against BuildKit", 0.5, unchanged, timed(w.b, w.theirs(true, theirs)))
	t.times("nothing changed, against the classic builder", 0.1, unchanged, timed(w.b, w.theirs(false, classic)))

	unchanged = timed(w.b, w.ours(hello...))
	t.times("nothing changed, examples/hello, against BuildKit", 0.5, unchanged, timed(w.b, w.theirs(true, hello...)))
	t.times("nothing changed, examples/hello, against the classic builder", 0.5, unchanged, timed(w.b, w.theirs(false, hello...)))

	us, them = w.sides(first, w.ours(w.three("a")...), w.oneByOne(w.three("b")))
	t.times("three images of 30 MB, against ours one after the other", 0.75, us, them)
	removeImages(w.host())
	for _, dir := range []string{ours, theirs} {
		if err := os.RemoveAll(dir); err != nil {
			w.Fatal(err)
		}
	}
}

// whole measures an up in which nothing has changed, with the same files.
func (w *workshop) whole(t *table) {
	w.edit("beansprout.yaml", "context: web", "context: classic")
	w.must(w.up()...)
	t.says("nothing changed: the whole of up", "s", w.must(w.up()...).took.Seconds())
}

// sides times both.
func (w *workshop) sides(oursFirst bool, ours, theirs func() error) (us, them time.Duration) {
	w.Helper()
	syscall.Sync() // what was generated is not written during a measurement
	if oursFirst {
		us = timed(w.b, ours)
	}
	them = timed(w.b, theirs)
	if !oursFirst {
		us = timed(w.b, ours)
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
			if err := w.ours(dir)(); err != nil {
				return err
			}
		}
		return nil
	}
}

// hello copies examples/hello and compiles it, which is left out of what is measured.
func (w *workshop) hello() (images []string) {
	w.Helper()
	dir := filepath.Join(w.dir, "hello")
	if err := os.CopyFS(dir, os.DirFS("../../examples/hello")); err != nil {
		w.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s", "-o", "bin/", "./web", "./backend")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if err := shell(cmd); err != nil {
		w.Fatal(err)
	}
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
	if err != nil {
		w.Fatal(err)
	}
}

// counted is a proxy before the engine that counts what goes there.
type counted struct {
	address string
	sent    atomic.Int64

	mu   sync.Mutex
	work []string // requests to build or push
}

func countEngine(b *testing.B) *counted {
	dir, err := os.MkdirTemp("", "engine") // the path of a socket must be short
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "docker.sock"))
	if err != nil {
		b.Fatal(err)
	}
	c := &counted{address: "unix://" + l.Addr().String()}
	engine := realEngine()
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: "docker"})
	proxy.Transport = &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return net.Dial("unix", engine) }}
	proxy.FlushInterval = -1
	server := &httptest.Server{Listener: countedListener{l, c}, Config: &http.Server{Handler: c.counting(proxy)}}
	server.Start()
	b.Cleanup(server.Close)
	return c
}

func (c *counted) counting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/build") || strings.HasSuffix(r.URL.Path, "/push") {
			c.mu.Lock()
			c.work = append(c.work, r.URL.Path)
			c.mu.Unlock()
		}
		next.ServeHTTP(w, r)
	})
}

func (c *counted) requests() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(slices.Clone(c.work))
}

type countedListener struct {
	net.Listener
	c *counted
}

func (l countedListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countedConn{conn, l.c}, err
}

type countedConn struct {
	net.Conn
	c *counted
}

func (c countedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.c.sent.Add(int64(n))
	return n, err
}

// BenchmarkMemory measures the most that up holds in memory with a context of 1 GB.
func BenchmarkMemory(b *testing.B) {
	needEngine(b)
	t := newTable("Memory", "Beansprout", "")
	for b.Loop() {
		for name, files := range map[string]int{"a context of 1 GB in one file": 1, "a context of 1 GB in 1,000 files": 1000} {
			l := newLab(b, localcloud.Config{})
			for i := range files {
				path := filepath.Join(l.dir, "web", fmt.Sprintf("f%04d", i))
				if err := errors.Join(os.WriteFile(path, []byte(fmt.Sprint(i)), 0o644), os.Truncate(path, (1<<30)/int64(files))); err != nil {
					b.Fatal(err)
				}
			}
			l.write("web/Dockerfile", "FROM scratch\nCOPY . /\n")
			cmd := l.command(l.up())
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
