package builder

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
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
	write(t, path, file)
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
	made, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{Log: log.log})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prepare: prepare has ***\n", "build: [3/3] it is ***<nil>\n", "build: [2/3]   ***\n"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("no %q in the log:\n%s", want, log)
		}
	}
	history, err := b.docker.ImageHistory(t.Context(), images(t, b, s.Name)[0])
	if err != nil {
		t.Fatal(err)
	}
	told, err := json.Marshal(history)
	if err != nil {
		t.Fatal(err)
	}
	saved, err := b.docker.ImageSave(t.Context(), images(t, b, s.Name))
	if err != nil {
		t.Fatal(err)
	}
	defer saved.Close()
	bytesOf, err := io.ReadAll(saved)
	if err != nil {
		t.Fatal(err)
	}
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

func TestALongLineHidesASecretWhereverItIsCut(t *testing.T) {
	secret := rand.Text() + rand.Text()
	t.Setenv("BUILDER_TEST_SECRET", secret)
	hidden := newMask([]Secret{{ID: "x", Env: "BUILDER_TEST_SECRET"}})
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

func TestMask(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	long := strings.Repeat("0123456789", 300)
	write(t, path, "{\n  \"token\": \"abc\"\n}\nabcdefgh\nabcd\n"+long+"\n")
	m := newMask([]Secret{{ID: "key", File: path}, {ID: "gone", File: "/gone"}, {ID: "unset", Env: "BUILDER_TEST_GONE"}})
	for text, want := range map[string]string{
		"a { b }":             "a { b }",
		"abcdefghi abcde":     "***i ***e",
		`has "token": "abc" `: "has *** ",
		"x" + long + "y":      "x*********y",
	} {
		if got := m.hide(text); got != want {
			t.Errorf("hide(%q) = %q, want %q", text, got, want)
		}
	}
	if got := (mask{}).hide("nothing is secret"); got != "nothing is secret" {
		t.Errorf("hide = %q", got)
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
	if err := json.Unmarshal(manifest, &m); err != nil {
		t.Fatal(err)
	}
	all := append(manifest, s.get(t, "/blobs/"+m.Config.Digest)...)
	for _, l := range m.Layers {
		layer, err := gzip.NewReader(bytes.NewReader(s.get(t, "/blobs/"+l.Digest)))
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(layer)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, content...)
	}
	return all
}

func (s *shelf) get(t *testing.T, path string) []byte {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.host+"/v2/app"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth("AWS", s.word())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s %v", path, response.Status, err)
	}
	return body
}
