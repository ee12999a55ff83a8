package builder

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"beansprout/test/must"
)

func TestBuildShowsTheStepThatFailed(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "Dockerfile": "FROM scratch\nCOPY step /step\nRUN [\"/step\", \"exit\", \"3\"]\n"})
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	var failed *BuildError
	if !errors.As(err, &failed) {
		t.Fatalf("error = %v", err)
	}
	if failed.Image != s.Name || failed.Step != "[2/2] RUN [\"/step\", \"exit\", \"3\"]" || failed.ExitCode != 3 {
		t.Errorf("image %q, step %q, exit code %d", failed.Image, failed.Step, failed.ExitCode)
	}
	if !strings.Contains(failed.Output, "one line of output") || !strings.Contains(failed.Output, "another on stderr") {
		t.Errorf("output = %q", failed.Output)
	}
	if want := "build image \"" + s.Name + "\": [2/2] RUN [\"/step\", \"exit\", \"3\"]: exit code 3\n    "; !strings.HasPrefix(err.Error(), want) {
		t.Errorf("error = %q, want the prefix %q", err, want)
	}
	if !strings.Contains(log.String(), "build: [2/2] one line of output\n") {
		t.Errorf("log:\n%s", log)
	}
}

func TestBuildExplainsWhatIsWrongWithASource(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	copyA := map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "a"}
	for _, test := range []struct {
		name   string
		files  map[string]string
		change func(*Source)
		kind   error
		want   string // a regular expression
	}{
		{name: "no Dockerfile", files: map[string]string{"a": "a"}, kind: ErrNoDockerfile, want: `no Dockerfile: /.*/Dockerfile$`},
		{name: "a Dockerfile of another name", files: copyA, change: func(s *Source) { s.Dockerfile = "Other" }, kind: ErrNoDockerfile, want: `no Dockerfile: /.*/Other$`},
		{name: "a Dockerfile that is a directory", files: map[string]string{"Dockerfile/a": "a"}, kind: ErrNoDockerfile, want: `no Dockerfile at /.*/Dockerfile: is a directory, not a file$`},
		{name: "a Dockerfile outside the context", files: copyA, change: func(s *Source) { s.Dockerfile = "../Dockerfile" }, kind: ErrNoDockerfile, want: `the Dockerfile \.\./Dockerfile is outside the context`},
		{name: "a Dockerfile that is a link out of the context", files: map[string]string{"a": "a"}, change: func(s *Source) {
			_ = os.Symlink("/etc/passwd", filepath.Join(s.Context, "Dockerfile"))
		}, kind: ErrNoDockerfile, want: `no Dockerfile at .*: is outside its directory, or a link leads out of it$`},
		{name: "a Dockerfile that is a pipe", files: map[string]string{"a": "a"}, change: func(s *Source) {
			_ = syscall.Mkfifo(filepath.Join(s.Context, "Dockerfile"), 0o600)
		}, kind: ErrNoDockerfile, want: `no Dockerfile at .*: is a pipe, not a regular file$`},
		{name: "a Dockerfile without an end", files: copyA, change: func(s *Source) {
			_ = os.Truncate(filepath.Join(s.Context, "Dockerfile"), 1<<40)
		}, kind: ErrNoDockerfile, want: `no Dockerfile at .*: is larger than 1 MB$`},
		{name: "no context", files: copyA, change: func(s *Source) { s.Context += "/gone" }, kind: ErrNoContext, want: `no such directory: /.*/gone$`},
		{name: "no source for COPY", files: map[string]string{"Dockerfile": "FROM scratch\nCOPY gone /a\n"}, kind: ErrNothingToCopy, want: `^build image "[^"]*": \[1/1\] COPY gone /a: "/gone" not found$`},
		{name: "a source that is ignored", files: map[string]string{"Dockerfile": "FROM scratch\nCOPY dist /a\n", ".dockerignore": "dist\n", "dist/a": "a"}, kind: ErrNothingToCopy, want: `"/dist" not found: \.dockerignore leaves "dist" out$`},
		{name: "a link out of the context", files: map[string]string{"Dockerfile": "FROM scratch\nCOPY out /a\n"}, change: func(s *Source) {
			_ = os.Symlink("/etc/passwd", filepath.Join(s.Context, "out"))
		}, kind: ErrNothingToCopy, want: `"/etc/passwd" not found: the link "out" leads to "/etc/passwd", and the engine sees nothing outside the context$`},
		{name: "no source for COPY --from", files: map[string]string{"Dockerfile": "FROM scratch AS base\nCOPY a /a\nFROM scratch\nCOPY --from=base /gone /b\n", "a": "a"}, kind: ErrNothingToCopy, want: `COPY --from=base /gone /b: "/gone" not found$`},
		{name: "no target", files: copyA, change: func(s *Source) { s.Target = "gone" }, want: `target stage gone could not be found`},
		{name: "no instruction", files: map[string]string{"Dockerfile": "FROM scratch\nCOPYY a /a\n"}, want: `line 2: unknown instruction: COPYY`},
		{name: "a base that is nowhere", files: map[string]string{"Dockerfile": "FROM 127.0.0.1:1/gone:1\n"}, want: `127\.0\.0\.1:1/gone:1: .*connection refused`},
		{name: "a secret without a file", files: copyA, change: func(s *Source) { s.Secrets = []Secret{{ID: "key", File: "/gone"}} }, want: `secret "key": .*/gone`},
		{name: "a secret without an end", files: copyA, change: func(s *Source) { s.Secrets = []Secret{{ID: "key", File: "/dev/zero"}} }, want: `secret "key": /dev/zero: is a device, not a regular file$`},
		{name: "a secret that is a directory", files: copyA, change: func(s *Source) { s.Secrets = []Secret{{ID: "key", File: "/etc"}} }, want: `secret "key": /etc: is a directory, not a file$`},
		{name: "a secret without a variable", files: copyA, change: func(s *Source) { s.Secrets = []Secret{{ID: "key", Env: "BUILDER_TEST_GONE"}} }, want: `secret "key": the environment variable BUILDER_TEST_GONE is not set`},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSource(t, b, test.files)
			if test.change != nil {
				test.change(&s)
			}
			_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
			var failed *BuildError
			if !errors.As(err, &failed) || failed.Image != s.Name {
				t.Fatalf("error = %v", err)
			}
			if !regexp.MustCompile(test.want).MatchString(err.Error()) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %q, want a match for %s", err, test.want)
			}
			if test.kind != nil && !errors.Is(err, test.kind) {
				t.Errorf("error %q is not %q", err, test.kind)
			}
		})
	}
}

// A look judges without the engine which files a Dockerfile finds, and never refuses what the engine builds.
func TestALookAndABuildMissTheSameFiles(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	nothing := Registry{Repository: shelf.host + "/shop", Image: func(context.Context, string) (digest, config string, err error) { return "", "", nil }}
	for _, test := range []struct {
		dockerfile string
		missing    string // what the look names
	}{
		{"FROM scratch\nCOPY a /\nCOPY dir/. /\nCOPY . /all\nADD dir /\nCOPY link /l\n", ""},
		{"FROM scratch\nCOPY gone /\n", `"/gone" not found`},
		{"FROM scratch\nCOPY a gone dir/gone /to/\n", `"/gone" not found; "/dir/gone" not found`},
		{"FROM scratch\nADD dir/../gone /\n", `"/gone" not found`},
		{"FROM scratch\nCOPY ignored /\n", `"/ignored" not found: .dockerignore leaves "ignored" out`},
		{"FROM scratch\nCOPY A /\n", `"/A" not found: there is "a"`},
		{"FROM scratch\nCOPY gone* a /to/\n", ""},
		{"FROM scratch\nARG X=gone\nCOPY $X /\n", `"/gone" not found`},
		{"FROM scratch\nARG X=a\nCOPY ${X} /\n", ""},
		{"FROM scratch AS unused\nCOPY gone /\nFROM scratch\nCOPY a /\n", ""},
		{"FROM scratch AS base\nCOPY a /b\nFROM scratch\nCOPY --from=base /b /\n", ""},
		{"FROM scratch AS base\nCOPY gone /b\nFROM scratch\nCOPY --from=base /b /\n", `"/gone" not found`},
	} {
		s := newSource(t, b, map[string]string{"Dockerfile": test.dockerfile, "a": "a", "dir/b": "b", "ignored": "c", ".dockerignore": "ignored\n"})
		must.Succeed(t, os.Symlink("a", filepath.Join(s.Context, "link")))
		_, err := b.Look(t.Context(), []Source{s}, nothing)
		if text := fmt.Sprint(err); (err != nil) != (test.missing != "") || err != nil && !(errors.Is(err, ErrNothingToCopy) && strings.HasSuffix(text, "COPY: "+test.missing)) {
			t.Errorf("look at %q: %v, want %q", test.dockerfile, err, test.missing)
		}
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); errors.Is(err, ErrNothingToCopy) != (test.missing != "") {
			t.Errorf("build of %q: %v", test.dockerfile, err)
		}
		s.Prepare = "make"
		if _, err := b.Look(t.Context(), []Source{s}, nothing); err != nil {
			t.Errorf("look at %q, which a prepare may complete: %v", test.dockerfile, err)
		}
	}
}

func TestAllTextsAboutAMissingSourceBecomeOneSentence(t *testing.T) {
	const mount = "/var/lib/docker/tmp/buildkit-mount123/"
	for _, test := range []struct{ step, refusal, want string }{
		{"COPY web/gone /gone", `failed to compute cache key: "/web/gone" not found: not found`, `"/web/gone" not found`},
		{"COPY web/gone /gone", `failed to solve: failed to calculate checksum of ref 0a::1b: "/web/gone": not found`, `"/web/gone" not found`},
		{"COPY web/gone /gone", "failed to compute cache key: failed to walk " + mount + "web: lstat " + mount + "web: no such file or directory", `"/web/gone" not found`},
		{"COPY main.go ./web/gone web/other /", "failed to walk " + mount + "web: lstat " + mount + "web: no such file or directory", `"/web/gone" not found`},
		{"ADD $SOURCE /", "failed to walk " + mount + "web: lstat " + mount + "web: no such file or directory", `"/web" not found`},
		{"COPY --from=base /gone /b", "lstat /var/lib/docker/overlay2/4cbe/merged/gone: no such file or directory", `"/gone" not found`},
		{"COPY a b", "the frontend: not found", "the frontend: not found"},
	} {
		failed := &trace{failed: &step{name: "[1/1] " + test.step, out: &lines{}}}
		if err := failed.explain("web", test.refusal); !errors.Is(err, ErrNothingToCopy) || err.Err.Error() != test.want {
			t.Errorf("%s: %q, want %q", test.refusal, err.Err, test.want)
		}
	}
}

func TestBuildNamesTheFileThatItCannotRead(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /all\n", "dir/a": "a"})
	path := filepath.Join(s.Context, "dir", "a")
	withhold(t, path)
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if !errors.Is(err, ErrUnreadable) || !strings.Contains(err.Error(), path) {
		t.Errorf("error = %v", err)
	}
}

// withhold takes a lease on a file, so that not even root can open it without waiting.
func withhold(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	must.Succeed(t, err)
	t.Cleanup(func() { _ = f.Close() })
	const setLease = 1024 // F_SETLEASE
	if _, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), setLease, syscall.F_WRLCK); errno != 0 {
		t.Fatal(errno)
	}
}

func TestBuildSkipsSocketsAndPipes(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY . /all\n", "a": "a"})
	socket, err := net.Listen("unix", filepath.Join(s.Context, "socket"))
	must.Succeed(t, err)
	defer socket.Close()
	must.Succeed(t, syscall.Mkfifo(filepath.Join(s.Context, "pipe"), 0o644))
	log := &record{}
	mustBuild(t, b, shelf, Options{Log: log.log}, s)
	for _, want := range []string{"note: leaves the socket \"socket\" out", "note: leaves the pipe \"pipe\" out"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	files := savedFiles(t, b, s)
	for _, name := range []string{"all/socket", "all/pipe"} {
		if _, ok := files[name]; ok {
			t.Errorf("the image has %s", name)
		}
	}
	if files["all/a"] != "a" {
		t.Errorf("files of the image: %q", files)
	}
}

// TestAnUnknownInstructionIsReportedWithTheEnginesVersion needs an engine of any age: none knows these.
func TestAnUnknownInstructionIsReportedWithTheEnginesVersion(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	for _, line := range []string{"COPY --hyperlink a /a", "ECHO hello", "RUN --mount=type=teleport /a"} {
		s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n" + line + "\n", "a": "a"})
		_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
		if !errors.Is(err, ErrOldFrontend) || !strings.Contains(err.Error(), "the engine is Docker "+b.version) {
			t.Errorf("%s: error = %v", line, err)
		}
	}
}

func TestAMissingFrontendIsErrNoFrontend(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "# syntax=127.0.0.1:9/docker/dockerfile:1\nFROM scratch\nCOPY a /\n", "a": "a"})
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	if !errors.Is(err, ErrNoFrontend) {
		t.Errorf("error = %v", err)
	}
}

func TestAFileNameThatIsNotUTF8IsNamed(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	for _, dockerfile := range []string{"FROM scratch\nCOPY a /\n", "# syntax=example.com/other\nFROM scratch\n"} {
		s := newSource(t, b, map[string]string{"Dockerfile": dockerfile, "a": "a", "deep/caf\xe9": "b"})
		_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
		if !errors.Is(err, ErrFileName) || !strings.Contains(err.Error(), `"deep/caf\xe9"`) {
			t.Errorf("error = %v", err)
		}
	}
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /\n", "a": "a", "caf\xe9": "b"})
	must.Write(t, filepath.Join(s.Context, ".dockerignore"), "caf?\n")
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
		t.Errorf("left out: %v", err)
	}
}

func TestAMissingSSHKeyIsErrNoKey(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nRUN --mount=type=ssh,required=true [\"/a\"]\n", "a": "a"})
	if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); !errors.Is(err, ErrNoKey) {
		t.Errorf("error = %v", err)
	}
}

func TestPlainRemovesPrefixesAndMounts(t *testing.T) {
	for message, want := range map[string]string{
		"failed to solve with frontend dockerfile.v0: failed to create LLB definition: target stage gone could not be found": "target stage gone could not be found",
		"rpc error: code = Unknown desc = failed to compute cache key: \"/gone\" not found: not found":                       "\"/gone\" not found",
		"lstat /var/lib/docker/overlay2/4cbe62e4cfe5/merged/gone: no such file or directory":                                 "lstat /gone: no such file or directory",
		"failed to read dockerfile: open /var/lib/docker/tmp/buildkit-mount123/Dockerfile: no such file":                     "failed to read dockerfile: open /Dockerfile: no such file",
		"Error response from daemon: a\x1b[31mb\n":                                                                           "ab",
	} {
		if got := plain(message).Error(); got != want {
			t.Errorf("plain(%q) = %q, want %q", message, got, want)
		}
	}
}
