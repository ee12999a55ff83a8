package builder

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
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

func TestBuildNeitherBuildsNorPushesAgainWhatIsUnchanged(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "content of a"})
	first, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	if err != nil {
		t.Fatal(err)
	}
	if first[0].Reference != second[0].Reference {
		t.Errorf("first %+v, second %+v", first[0], second[0])
	}
	if n := shelf.count(); n != 1 {
		t.Errorf("%d manifests pushed, want 1", n)
	}
	if strings.Contains(log.String(), "build: ") || !strings.Contains(log.String(), "push: already in the registry") {
		t.Errorf("log:\n%s", log)
	}
}

func TestBuildPushesAgainToARegistryThatHasLostTheImage(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "content of a"})
	for range 2 {
		shelf.clear()
		made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
		if err != nil {
			t.Fatal(err)
		}
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
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	send := func() int64 {
		t.Helper()
		before := r.sent.Load()
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		return r.sent.Load() - before
	}
	if n := send(); n < large/2 {
		t.Fatalf("the first build sent %d bytes of %d", n, large)
	}
	write(t, filepath.Join(s.Context, "small"), rand.Text())
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
	if err != nil {
		t.Fatal(err)
	}
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
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
		t.Fatal(err)
	}
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
	write(t, path, file)
	t.Setenv("BUILDER_TEST_SECRET", variable)
	s.Secrets = []Secret{{ID: "file", File: path}, {ID: "variable", Env: "BUILDER_TEST_SECRET"}}
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
		t.Fatal(err)
	}
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
	if err != nil {
		t.Fatal(err)
	}
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
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(tr)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(content)
	}
}

func TestBuildPrintsNothingThatMovesTheCursor(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"escape\", \"" + rand.Text() + "\"]\n"})
	s.Prepare = `printf '\033[2J\033]0;title\007prepared\r\n'`
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log}); err != nil {
		t.Fatal(err)
	}
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

func TestBuildPromisesNothingOfAnImageWhoseFilesChangedMeanwhile(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "before"})
	var tags []string
	meanwhile := func(ctx context.Context) (Registry, error) {
		r, err := shelf.registry(ctx)
		r.Image = func(ctx context.Context, tag string) (digest, config string, err error) {
			if tags = append(tags, tag); len(tags) == 1 {
				write(t, filepath.Join(s.Context, "a"), "after")
			}
			return shelf.image(ctx, tag)
		}
		return r, err
	}
	made, err := b.Build(t.Context(), []Source{s}, meanwhile, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if made[0].Fingerprint != "" || len(tags) != 2 || !strings.HasPrefix(tags[1], "id-") {
		t.Errorf("fingerprint %q, tags %q", made[0].Fingerprint, tags)
	}
	if digest, _, err := shelf.image(t.Context(), tags[0]); digest != "" || err != nil {
		t.Errorf("%s is promised as %s, %v", digest, tags[0], err)
	}
}

func TestSourcesThatAreMadeFromTheSameAreMadeOnce(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	web, content := smallSource(t, b), rand.Text()
	write(t, filepath.Join(web.Context, "a"), content)
	worker := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": content})
	for _, rebuild := range []bool{false, true} {
		shelf.clear()
		before := shelf.count()
		made, err := b.Build(t.Context(), []Source{web, worker}, shelf.registry, Options{Rebuild: rebuild})
		if err != nil {
			t.Fatal(err)
		}
		if made[0].Digest != made[1].Digest || made[0].Cached == made[1].Cached || shelf.count() != before+1 {
			t.Errorf("rebuild %v: %d pushes of %+v", rebuild, shelf.count()-before, made)
		}
	}
}
