package dockerrun

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/must"
)

// tree makes files in a new directory: a name that ends in ! is executable, "a -> b" is a link,
// "a |" a named pipe.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		mode := os.FileMode(0o640)
		name, link, isLink := strings.Cut(name, " -> ")
		name, isExecutable := strings.CutSuffix(name, "!")
		name, isPipe := strings.CutSuffix(name, " |")
		if isExecutable {
			mode = 0o700
		}
		path := filepath.Join(root, name)
		must.Succeed(t, os.MkdirAll(filepath.Dir(path), 0o755))
		var err error
		switch {
		case isLink:
			err = os.Symlink(link, path)
		case isPipe:
			err = syscall.Mkfifo(path, 0o644)
		default:
			err = os.WriteFile(path, []byte(content), mode)
		}
		must.Succeed(t, err)
	}
	return root
}

// contents returns what a bundle holds: a line for each file with its mode, year, name and text.
func contents(t *testing.T, bundle []byte) string {
	t.Helper()
	r, err := zip.NewReader(bytes.NewReader(bundle), int64(len(bundle)))
	must.Succeed(t, err)
	var b strings.Builder
	for _, f := range r.File {
		body, err := f.Open()
		must.Succeed(t, err)
		text, err := io.ReadAll(body)
		must.Succeed(t, err)
		fmt.Fprintf(&b, "%s %d %s %s\n", f.Mode(), f.Modified.UTC().Year(), f.Name, text)
	}
	return b.String()
}

func TestABundleHasTheDocumentAndTheIncludedFiles(t *testing.T) {
	root := tree(t, map[string]string{
		".ebextensions/01.config":              "one",
		".platform/hooks/predeploy/01.sh!":     "#!/bin/sh",
		".platform/confighooks -> hooks":       "",
		".platform/hooks/shared.sh -> ../x.sh": "",
		".platform/x.sh":                       "x",
		"extra.txt":                            "extra",
		"not-included.txt":                     "no",
	})
	var b bytes.Buffer
	must.Succeed(t, Bundle(t.Context(), &b, Document{DocumentName, []byte("{}")}, root, []string{"extra.txt", ".platform/", "./.ebextensions", ".platform/hooks"}))
	want := `-rw-r--r-- 1980 .ebextensions/01.config one
-rwxr-xr-x 1980 .platform/confighooks/predeploy/01.sh #!/bin/sh
-rw-r--r-- 1980 .platform/confighooks/shared.sh x
-rwxr-xr-x 1980 .platform/hooks/predeploy/01.sh #!/bin/sh
-rw-r--r-- 1980 .platform/hooks/shared.sh x
-rw-r--r-- 1980 .platform/x.sh x
-rw-r--r-- 1980 Dockerrun.aws.json {}
-rw-r--r-- 1980 extra.txt extra
`
	if got := contents(t, b.Bytes()); got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestEqualContentGivesAnEqualBundle(t *testing.T) {
	var bundles [2]bytes.Buffer
	for i := range bundles {
		root := tree(t, map[string]string{"d/b": "b", "d/a!": "a", "d/c/d": "d"})
		name := filepath.Join(root, "d/b")
		must.Succeed(t, os.Chmod(name, os.FileMode(0o600+i*0o66)))
		must.Succeed(t, os.Chtimes(name, time.Time{}, time.Unix(int64(i)*1e9, 0)))
		must.Succeed(t, Bundle(t.Context(), &bundles[i], Document{DocumentName, []byte("{}")}, root, []string{"d"}))
	}
	if !bytes.Equal(bundles[0].Bytes(), bundles[1].Bytes()) {
		t.Error("got two bundles, want twice the same")
	}
}

func TestErrorsOfABundleNameThePath(t *testing.T) {
	outside := tree(t, map[string]string{"secret": "s"})
	root := tree(t, map[string]string{
		"ok/file":                  "",
		"up/link -> ../../outside": "",
		"abs/link -> " + outside:   "",
		"dangling/link -> nowhere": "",
		"through -> " + outside:    "",
		"pipe/p |":                 "",
		"circle/a/b -> ..":         "",
		"self/link -> link":        "",
		"slash/a\\..\\..\\b":       "",
		"line/a\nb":                "",
		"latin/\xe9":               "",
		"Dockerrun.aws.json":       "",
	})
	tests := map[string]struct{ include, want string }{
		"absolute":           {"/etc/passwd", `include "/etc/passwd" in the bundle: must be a path to something inside`},
		"parent":             {"ok/../..", `include "ok/../.." in the bundle: must be a path to something inside`},
		"hidden parent":      {"../x", `must be a path to something inside`},
		"all":                {".", `must be a path to something inside`},
		"all, disguised":     {"ok/..", `must be a path to something inside`},
		"nothing":            {"", `must be a path to something inside`},
		"missing":            {".ebextensions", `include ".ebextensions" in the bundle: ".ebextensions": no such file`},
		"link that leaves":   {"up", `"up/link": is outside its directory, or a link leads out of it`},
		"absolute link":      {"abs", `"abs/link": is outside its directory, or a link leads out of it`},
		"through a link":     {"through/secret", `"through/secret": is outside its directory, or a link leads out of it`},
		"link to nothing":    {"dangling", `"dangling/link": no such file`},
		"link to itself":     {"self", `"self/link": too many levels of symbolic links`},
		"link round":         {"circle", `"circle/a/b" is a link to a folder that it is in`},
		"pipe":               {"pipe", `"pipe/p" is neither a file nor a folder`},
		"backslash":          {"slash", `"slash/a\\..\\..\\b" has a name that`},
		"line break":         {"line", `"line/a\nb" has a name that`},
		"no UTF-8":           {"latin", `"latin/\xe9" has a name that`},
		"the document's own": {"Dockerrun.aws.json", `"Dockerrun.aws.json" is made from the template`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := Bundle(t.Context(), io.Discard, Document{DocumentName, []byte("{}")}, root, []string{"ok", test.include})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestABundleHasLimits(t *testing.T) {
	root := tree(t, map[string]string{"a": "1", "b": "2"})
	var whole bytes.Buffer
	must.Succeed(t, Bundle(t.Context(), &whole, Document{DocumentName, []byte("{}")}, root, []string{"a", "b", "b"}))
	size := int64(whole.Len())
	tests := map[string]struct {
		limit limits
		want  string
	}{
		"as large":   {limits{size, 4, 3}, ""},
		"too large":  {limits{size - 1, 4, 3}, "write bundle: larger than the 512 MB that Beanstalk takes"},
		"unpacked":   {limits{size, 1, 3}, `include "b" in the bundle: "b": with it the bundle unpacks to more than 2 GB`},
		"file extra": {limits{size, 4, 2}, `include "b" in the bundle: "b" is one file more than the 2 that a bundle holds`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			err := bundle(t.Context(), io.Discard, Document{DocumentName, []byte("{}")}, root, []string{"a", "b", "b"}, test.limit)
			if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}

func TestTooLargeFilesAreRefusedBeforeTheyAreRead(t *testing.T) {
	dir := t.TempDir()
	for name, size := range map[string]int64{"one/a": 512<<20 + 1, "many/a": 512 << 20, "many/b": 512 << 20, "many/c": 512 << 20, "many/d": 512 << 20, "many/e": 1} {
		path := filepath.Join(dir, name)
		must.Succeed(t, errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, nil, 0o644), os.Truncate(path, size)))
	}
	for name, want := range map[string]string{"one": `"one/a": is larger than 512 MB`, "many": `"many/e": with it the bundle unpacks to more than 2 GB`} {
		if _, err := Files(t.Context(), DocumentName, dir, []string{name}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}
