package builder

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"unicode"

	"beansprout/test/must"
)

func TestBuildPushesAnImageThatTheRegistryServesByDigest(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": rand.Text()})
	s.Prepare = "echo made by prepare > made"
	made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if len(made) != 1 || made[0].Name != s.Name || !isDigest(made[0].Digest) || made[0].Reference != shelf.host+"/app@"+made[0].Digest {
		t.Errorf("images = %+v", made)
	}
	if made[0].Platform != b.Platform() || !strings.HasPrefix(made[0].Platform, "linux/") {
		t.Errorf("platform of the image %q, of the engine %q", made[0].Platform, b.Platform())
	}
	if !shelf.has(t, made[0].Reference) {
		t.Errorf("the registry does not have %s", made[0].Reference)
	}
	for _, want := range []string{"prepare: $ echo made by prepare > made\n", "build: [1/1] COPY a /a\n", "push: "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	if strings.Contains(log.String(), shelf.password) {
		t.Error("the log shows the registry's password")
	}
}

func TestBuildPushesAgainToARegistryThatLostTheImage(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "content of a"})
	for range 2 {
		shelf.clear()
		made := mustBuild(t, b, shelf, Options{}, s)
		if !shelf.has(t, made[0].Reference) {
			t.Errorf("the registry does not have %s", made[0].Reference)
		}
	}
}

func TestBuildSendsOnlyWhatChanged(t *testing.T) {
	direct, shelf := connect(t), newShelf(t)
	const large = 1 << 20
	s := newSource(t, direct, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /all\n", "large": strings.Repeat(rand.Text(), large/26)})
	r := newRelay(t, direct.docker.Dialer(), nil)
	t.Setenv("DOCKER_HOST", "tcp://"+r.Addr().String())
	b, err := Connect(t.Context())
	must.Succeed(t, err)
	defer b.Close()
	send := func() int64 {
		t.Helper()
		before := r.sent.Load()
		mustBuild(t, b, shelf, Options{}, s)
		return r.sent.Load() - before
	}
	if n := send(); n < large/2 {
		t.Fatalf("the first build sent %d bytes of %d", n, large)
	}
	must.Write(t, filepath.Join(s.Context, "small"), rand.Text())
	if n := send(); n > large/4 {
		t.Errorf("the second build sent %d bytes for one small file", n)
	}
}

func TestBuildReturnsImagesInTheOrderOfTheirSources(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	var sources []Source
	for range parallel + 2 {
		sources = append(sources, newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"}))
	}
	calls := 0
	made, err := b.Build(t.Context(), sources, func(ctx context.Context) (Registry, error) {
		calls++
		return shelf.registry(ctx)
	}, Options{})
	must.Succeed(t, err)
	for i, s := range sources {
		if made[i].Name != s.Name || !shelf.has(t, made[i].Reference) {
			t.Errorf("image %d = %+v, want %s", i, made[i], s.Name)
		}
	}
	if calls != 1 {
		t.Errorf("the registry was asked for %d times, want once", calls)
	}
}

func TestBuildHonoursArgumentsTargetAndDockerignore(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{
		"docker/App.Dockerfile": "FROM scratch AS wanted\nARG FILE\nCOPY ${FILE} /copied\nCOPY . /all\nFROM scratch\nCOPY nothing /\n",
		".dockerignore":         "ignored\n",
		"a":                     "content of a", "ignored": "never sent",
	})
	s.Dockerfile, s.Target, s.Args = "docker/App.Dockerfile", "wanted", map[string]string{"FILE": "a"}
	mustBuild(t, b, shelf, Options{}, s)
	files := savedFiles(t, b, s)
	if files["copied"] != "content of a" || files["all/a"] != "content of a" {
		t.Errorf("files of the image: %q", files)
	}
	if _, ok := files["all/ignored"]; ok {
		t.Error("the image has a file that .dockerignore names")
	}
}

func TestBuildGivesSecretsToStepsAndLeavesThemOut(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	const file, variable = "content of the secret file", "content of the secret variable"
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": `FROM scratch
COPY step /step
RUN --mount=type=secret,id=file,required ["/step", "expect", "` + file + `", "/run/secrets/file"]
RUN --mount=type=secret,id=variable,required ["/step", "expect", "` + variable + `", "/run/secrets/variable"]
`})
	path := filepath.Join(t.TempDir(), "secret")
	must.Write(t, path, file)
	t.Setenv("BUILDER_TEST_SECRET", variable)
	s.Secrets = []Secret{{ID: "file", File: path}, {ID: "variable", Env: "BUILDER_TEST_SECRET"}}
	mustBuild(t, b, shelf, Options{}, s)
	for name, content := range savedFiles(t, b, s) {
		if name != "step" && content != "" {
			t.Errorf("the image has %s with %q", name, content)
		}
	}
}

// savedFiles returns the files of all layers of the one image of s in the engine.
func savedFiles(t *testing.T, b *Builder, s Source) map[string]string {
	t.Helper()
	saved, err := b.docker.ImageSave(t.Context(), images(t, b, s.Name))
	must.Succeed(t, err)
	defer saved.Close()
	files := map[string]string{}
	for name, layer := range untar(t, saved) {
		if strings.HasSuffix(name, "/layer.tar") || strings.HasPrefix(name, "blobs/") && bytes.Contains([]byte(layer), []byte("ustar")) {
			for file, content := range untar(t, strings.NewReader(layer)) {
				files[file] = content
			}
		}
	}
	return files
}

func untar(t *testing.T, r io.Reader) map[string]string {
	t.Helper()
	files := map[string]string{}
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		must.Succeed(t, err)
		content, err := io.ReadAll(tr)
		must.Succeed(t, err)
		files[h.Name] = string(content)
	}
}

func TestBuildPrintsNothingThatMovesTheCursor(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"escape\", \"" + rand.Text() + "\"]\n"})
	s.Prepare = `printf '\033[2J\033]0;title\007prepared\r\n'`
	mustBuild(t, b, shelf, Options{Log: log.log}, s)
	for _, line := range log.lines {
		if strings.ContainsFunc(line, unicode.IsControl) {
			t.Errorf("line %q", line)
		}
	}
	for _, want := range []string{"prepare: prepared\n", "build: [2/2] red 10%\nbuild: [2/2] 20%\nbuild: [2/2] done\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
}

func TestAnImageWhoseFilesChangedDuringTheBuildHasNoFingerprint(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "before"})
	var tags []string
	meanwhile := func(ctx context.Context) (Registry, error) {
		r, err := shelf.registry(ctx)
		r.Image = func(ctx context.Context, tag string) (digest, config string, err error) {
			if tags = append(tags, tag); len(tags) == 1 {
				must.Write(t, filepath.Join(s.Context, "a"), "after")
			}
			return shelf.image(ctx, tag)
		}
		return r, err
	}
	made, err := b.Build(t.Context(), []Source{s}, meanwhile, Options{})
	must.Succeed(t, err)
	if made[0].Fingerprint != "" || len(tags) != 2 || !strings.HasPrefix(tags[1], "id-") {
		t.Errorf("fingerprint %q, tags %q", made[0].Fingerprint, tags)
	}
	if digest, _, err := shelf.image(t.Context(), tags[0]); digest != "" || err != nil {
		t.Errorf("%s is promised as %s, %v", digest, tags[0], err)
	}
}

func TestEqualSourcesShareOneBuild(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	web, content := smallSource(t, b), rand.Text()
	must.Write(t, filepath.Join(web.Context, "a"), content)
	worker := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": content})
	for _, rebuild := range []bool{false, true} {
		shelf.clear()
		before := shelf.count()
		made := mustBuild(t, b, shelf, Options{Rebuild: rebuild}, web, worker)
		if made[0].Digest != made[1].Digest || made[0].Cached == made[1].Cached || shelf.count() != before+1 {
			t.Errorf("rebuild %v: %d pushes of %+v", rebuild, shelf.count()-before, made)
		}
	}
}

func TestBuildHonoursPlatformLabelsAndNetwork(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"})
	s.Platform, s.Network, s.Pull = "linux/s390x", "none", true
	s.Labels = map[string]string{"org.opencontainers.image.revision": "0123abc", label: "not ours to say"}
	made := mustBuild(t, b, shelf, Options{}, s)
	is, err := b.docker.ImageInspect(t.Context(), images(t, b, s.Name)[0])
	must.Succeed(t, err)
	if made[0].Platform != "linux/s390x" || is.Architecture != "s390x" {
		t.Errorf("platform of the image %q, in the engine %q", made[0].Platform, is.Architecture)
	}
	if got := is.Config.Labels; got["org.opencontainers.image.revision"] != "0123abc" || got[label] != s.Name {
		t.Errorf("labels = %q", got)
	}
}

func TestAnImageForAnotherPlatformIsRefused(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	base := smallSource(t, b)
	base.Platform = "linux/s390x"
	made := mustBuild(t, b, shelf, Options{}, base)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM --platform=linux/s390x " + made[0].Reference + "\nCOPY a /a\n", "a": "a"})
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if failed, ok := errors.AsType[*BuildError](err); !ok || failed.Image != s.Name || !errors.Is(err, ErrPlatform) || !strings.Contains(err.Error(), "linux/s390x, not "+b.Platform()) {
		t.Errorf("error = %v", err)
	}
	if shelf.count() != 1 {
		t.Error("it was pushed")
	}
}

func TestAStepThatTheEngineCannotRunIsErrForeign(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"step": "\x7fELF of another world", "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\"]\n"})
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); !errors.Is(err, ErrForeign) {
		t.Errorf("error = %v", err)
	}
}

func TestAFullDiskIsErrNoSpace(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"fill\", \"/dev/shm\"]\n"})
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if failed, ok := errors.AsType[*BuildError](err); !ok || failed.ExitCode != 1 || !errors.Is(err, ErrNoSpace) {
		t.Errorf("error = %v", err)
	}
}

func TestAnImageWithFewNewLayersCountsWhatItSent(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	const large = 4 << 20
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY large /large\nCOPY small /small\n", "large": noise(large), "small": "first"})
	first := mustBuild(t, b, shelf, Options{}, s)
	must.Write(t, filepath.Join(s.Context, "small"), "second")
	second := mustBuild(t, b, shelf, Options{Log: log.log}, s)
	if first[0].Sent < large || first[0].Context < large {
		t.Errorf("the first sent %d bytes to the registry and %d to the engine", first[0].Sent, first[0].Context)
	}
	if second[0].Sent == 0 || second[0].Sent > large/4 || second[0].Context == 0 || second[0].Context > large/4 {
		t.Errorf("the second sent %d bytes to the registry and %d to the engine", second[0].Sent, second[0].Context)
	}
	if !strings.Contains(log.String(), "push: pushed 1 layers, 4.2 MB were there\n") {
		t.Errorf("log:\n%s", log)
	}
}

// TestABaseImageFromAPrivateRegistry has the engine ask for credentials twice: for our own
// registry, and for another one that docker has been logged in to.
func TestABaseImageFromAPrivateRegistry(t *testing.T) {
	dockerConfig(t, t.TempDir())
	b, ours, theirs := connect(t), newShelf(t), newShelf(t)
	for _, shelf := range []*shelf{ours, theirs} {
		base := smallSource(t, b)
		made := mustBuild(t, b, shelf, Options{}, base)
		removeImages(t, b, base.Name)
		s := newSource(t, b, map[string]string{"Dockerfile": "FROM " + made[0].Reference + "\nCOPY a /a\n", "a": "a"})
		if shelf == theirs {
			_, err := b.Build(t.Context(), []Source{s}, ours.registry, Options{})
			if !errors.Is(err, ErrNoBase) {
				t.Errorf("error = %v", err)
			}
			login(t, theirs)
			b = connect(t)
		}
		if _, err := b.Build(t.Context(), []Source{s}, ours.registry, Options{}); err != nil {
			t.Errorf("a base from %s: %v", shelf.host, err)
		}
	}
}

// login does what "docker login" does without a credential helper.
func login(t *testing.T, s *shelf) {
	t.Helper()
	dir := t.TempDir()
	dockerConfig(t, dir)
	key := base64.StdEncoding.EncodeToString([]byte("AWS:" + s.word()))
	must.Write(t, filepath.Join(dir, "config.json"), `{"auths":{"`+s.host+`":{"auth":"`+key+`"}}}`)
}

// noise returns text that no compression makes much smaller.
func noise(size int) string {
	var b strings.Builder
	for b.Len() < size {
		b.WriteString(rand.Text())
	}
	return b.String()[:size]
}

func TestNothingIsMadeBeforeItMayBe(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"})
	var looked atomic.Bool
	registry := func(ctx context.Context) (Registry, error) {
		r, err := shelf.registry(ctx)
		image := r.Image
		r.Image = func(ctx context.Context, tag string) (digest, config string, err error) {
			looked.Store(true)
			return image(ctx, tag)
		}
		return r, err
	}
	errRefused := errors.New("the deploy is refused")
	for _, prepare := range []string{"", "touch prepared"} {
		s.Prepare = prepare
		_, err := b.Build(t.Context(), []Source{s}, registry, Options{Ready: func(context.Context) error { return errRefused }})
		if !errors.Is(err, errRefused) || looked.Load() != (prepare == "") || shelf.pushes > 0 || len(images(t, b, s.Name)) > 0 {
			t.Errorf("prepare %q: %v, the registry was asked: %v, %d pushes, images %q", prepare, err, looked.Load(), shelf.pushes, images(t, b, s.Name))
		}
		looked.Store(false)
	}
	if _, err := os.Stat(filepath.Join(s.Dir, "prepared")); !os.IsNotExist(err) {
		t.Errorf("the command has run: %v", err)
	}
	s.Prepare = ""
	mustBuild(t, b, shelf, Options{Ready: func(context.Context) error { return nil }}, s)
}
