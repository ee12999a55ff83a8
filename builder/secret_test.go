package builder

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/mask"
	"beansprout/test/must"
)

// leaky is a source whose steps print their secrets and fail at will.
func leaky(t *testing.T, b *Builder, variable, end string) (s Source, secrets []string) {
	t.Helper()
	file := "first line " + rand.Text() + "\n  second line " + rand.Text() + "  \n\nlast " + rand.Text()
	s = newSource(t, b, map[string]string{"step": stepBinary(t), "salt": rand.Text(), "Dockerfile": `FROM scratch
COPY step salt /
RUN --mount=type=secret,id=file,required ["/step", "print", "/run/secrets/file"]
RUN --mount=type=secret,id=variable,required ["/step", "print", "/run/secrets/variable"` + end + `]
`})
	path := filepath.Join(t.TempDir(), "secret")
	must.Write(t, path, file)
	t.Setenv("BUILDER_TEST_SECRET", variable)
	s.Secrets = []Secret{{ID: "file", File: path}, {ID: "variable", Env: "BUILDER_TEST_SECRET"}}
	for line := range strings.Lines(file) {
		if line = strings.TrimSpace(line); line != "" {
			secrets = append(secrets, line)
		}
	}
	return s, append(secrets, variable)
}

func TestASecretIsInNoLayerNoHistoryAndNoLog(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	s, secrets := leaky(t, b, "variable "+rand.Text(), "")
	s.Prepare = `echo "prepare has $BUILDER_TEST_SECRET"`
	made := mustBuild(t, b, shelf, Options{Log: log.log}, s)
	for _, want := range []string{"prepare: prepare has ***\n", "build: [3/3] it is ***<nil>\n", "build: [2/3]   ***\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	history, err := b.docker.ImageHistory(t.Context(), images(t, b, s.Name)[0])
	must.Succeed(t, err)
	told, err := json.Marshal(history)
	must.Succeed(t, err)
	saved, err := b.docker.ImageSave(t.Context(), images(t, b, s.Name))
	must.Succeed(t, err)
	defer saved.Close()
	bytesOf, err := io.ReadAll(saved)
	must.Succeed(t, err)
	for where, content := range map[string][]byte{
		"log": []byte(log.String()), "history": told, "saved image": bytesOf, "registry": shelf.everything(t, made[0]),
	} {
		for _, secret := range secrets {
			if bytes.Contains(content, []byte(secret)) {
				t.Errorf("%q is in the %s", secret, where)
			}
		}
	}
	if !bytes.Contains(bytesOf, []byte("it does not:")) { // of the program step
		t.Error("the search would not find anything")
	}
}

func TestASecretIsNotInTheErrorOfTheStepThatPrintsIt(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s, secrets := leaky(t, b, "variable "+rand.Text(), `, "fail"`)
	_, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{})
	failed, ok := errors.AsType[*BuildError](err)
	if !ok || failed.Output != "it is ***<nil>" || failed.ExitCode != 1 {
		t.Errorf("error = %v", err)
	}
	for _, secret := range secrets {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("%q is in the error %v", secret, err)
		}
	}
}

func TestASplitLineHidesASecret(t *testing.T) {
	secret := rand.Text() + rand.Text()
	hidden := withSecrets(mask.Mask{}, map[string][]byte{"x": []byte(secret)})
	for before := maxLine - 2*len(secret); before < maxLine+2*len(secret); before++ {
		var printed strings.Builder
		out := &lines{mask: hidden, emit: func(line string) {
			if len(line) > maxLine {
				t.Fatalf("a line of %d bytes", len(line))
			}
			printed.WriteString(line)
		}}
		text := strings.Repeat("x", before) + secret + strings.Repeat("y", 3*maxLine)
		for len(text) > 0 {
			n := min(len(text), 1000)
			_, _ = out.Write([]byte(text[:n]))
			text = text[n:]
		}
		out.flush()
		if want := strings.Repeat("x", before) + "***" + strings.Repeat("y", 3*maxLine); printed.String() != want {
			t.Fatalf("with %d bytes before it: %q", before, printed.String())
		}
	}
}

func TestTheMaskOfSources(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	must.Write(t, path, "first-line\nab\nabcd\n")
	s := Source{
		Secrets: []Secret{{ID: "key", File: path}, {ID: "gone", File: "/gone"}, {ID: "unset", Env: "BUILDER_TEST_GONE"}},
		Args:    map[string]string{"NPM_TOKEN": "argument", "VERSION": "twenty-one", "MIRROR": "https://u:hunter2@mirror"},
	}
	m := withSecrets(mask.Mask{}, readableSecrets(t.Context(), []Source{s}), s)
	for text, want := range map[string]string{
		"first-line, ab, abcd":          "***, ab, ***",
		"argument of twenty-one":        "*** of twenty-one",
		"\x1b[1margu\x1b[0mment is red": "*** is red",
		"hunter2":                       "***",
	} {
		if got := masked(m, text); got != want {
			t.Errorf("masked(%q) = %q, want %q", text, got, want)
		}
	}
}

// everything returns all that the registry has of an image, uncompressed.
func (s *shelf) everything(t *testing.T, i Image) []byte {
	t.Helper()
	manifest := s.get(t, "/manifests/"+i.Digest)
	var m struct {
		Config struct{ Digest string }
		Layers []struct{ Digest string }
	}
	must.Succeed(t, json.Unmarshal(manifest, &m))
	all := append(manifest, s.get(t, "/blobs/"+m.Config.Digest)...)
	for _, l := range m.Layers {
		layer, err := gzip.NewReader(bytes.NewReader(s.get(t, "/blobs/"+l.Digest)))
		must.Succeed(t, err)
		content, err := io.ReadAll(layer)
		must.Succeed(t, err)
		all = append(all, content...)
	}
	return all
}

func (s *shelf) get(t *testing.T, path string) []byte {
	t.Helper()
	response, err := s.ask(t.Context(), http.MethodGet, path)
	must.Succeed(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v", path, response.Status, err)
	}
	return body
}

// TestASecretThatNeverEndsEndsWithItsContext takes the kernel's log for a secret, a regular file
// that waits for more at its end.
func TestASecretThatNeverEndsEndsWithItsContext(t *testing.T) {
	log, err := os.OpenFile("/proc/kmsg", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("the kernel's log can't be read: %v", err)
	}
	log.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second/10)
	defer cancel()
	secrets := []Secret{{ID: "x", File: "/proc/kmsg"}}
	if _, err := readSecrets(ctx, secrets); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v", err)
	}
	if values := readableSecrets(ctx, []Source{{Secrets: secrets}}); len(values) != 0 {
		t.Errorf("%d values", len(values))
	}
}

// TestAStepUsesTheSSHAgent builds with an agent that has no key, and with a key from a file.
func TestAStepUsesTheSSHAgent(t *testing.T) {
	b, shelf, log := connect(t), newShelf(t), &record{}
	dir := t.TempDir()
	t.Setenv("SSH_AUTH_SOCK", newAgent(t, filepath.Join(dir, "agent.sock")))
	key := filepath.Join(dir, "key")
	must.Write(t, key, newKey(t))
	s := newSource(t, b, map[string]string{"step": stepBinary(t), "salt": rand.Text(), "Dockerfile": `FROM scratch
COPY step salt /
RUN --mount=type=ssh,required ["/step", "agent", "SSH_AUTH_SOCK"]
RUN --mount=type=ssh,id=deploy.key,required ["/step", "agent", "SSH_AUTH_SOCK"]
`})
	s.SSH = []SSH{{ID: "default"}, {ID: "deploy.key", Paths: []string{key}}}
	made := mustBuild(t, b, shelf, Options{Log: log.log}, s)
	for _, want := range []string{"the agent answers 12 with 0 keys <nil>", "the agent answers 12 with 1 keys <nil>"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	s.SSH = nil
	if r, err := b.fingerprint(t.Context(), s, nil); r.ID != made[0].Fingerprint || r.ID == "" || err != nil {
		t.Errorf("without agents the fingerprint is %s, not %s (%v)", r.ID, made[0].Fingerprint, err)
	}
}

// newAgent starts an SSH agent without keys, which answers whatever it is asked with none.
func newAgent(t *testing.T, socket string) string {
	t.Helper()
	l, err := net.Listen("unix", socket)
	must.Succeed(t, err)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				for question := make([]byte, 5); ; {
					if _, err := io.ReadFull(conn, question); err != nil {
						return
					}
					_, _ = conn.Write([]byte{0, 0, 0, 5, 12, 0, 0, 0, 0})
				}
			}()
		}
	}()
	return socket
}

func newKey(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	must.Succeed(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(private)
	must.Succeed(t, err)
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}
