package artifact

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestOpenTakesFilesOfTheDirectory(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "target", "app-1.war"), "war")
	if err := os.Symlink("target/app-1.war", filepath.Join(dir, "app.war")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"target/app-1.war", "app.war"} {
		f, err := Open(dir, name)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		f.Close()
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.zip")
	write(t, outside, "secret")
	large := filepath.Join(dir, "large.jar")
	write(t, large, "")
	for _, err := range []error{
		os.Truncate(large, Max+1),
		os.Mkdir(filepath.Join(dir, "folder.jar"), 0o700),
		syscall.Mkfifo(filepath.Join(dir, "pipe.jar"), 0o600),
		os.Symlink(outside, filepath.Join(dir, "link.zip")),
		os.Symlink(filepath.Dir(outside), filepath.Join(dir, "out")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"app.war":        "no such file",
		"large.jar":      "large.jar has 513 MB; Elastic Beanstalk takes at most 512",
		"folder.jar":     "is a directory",
		"pipe.jar":       "no regular file",
		"link.zip":       "escapes",
		"out/secret.zip": "escapes",
	} {
		f, err := Open(dir, name)
		if err == nil {
			f.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, fs.ErrNotExist) != (name == "app.war") {
			t.Errorf("%s: %v, want %q", name, err, want)
		}
	}
}

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		what, name string
		entries    []string // "name" or "link -> target"
		want       string   // "" is fine
	}{
		{"files at the root", "app.zip", []string{"Procfile", "lib/app.jar"}, ""},
		{"folders alone", "app.zip", []string{"a/x", "b/x"}, ""},
		{"one folder", "app.zip", []string{"app/", "app/Procfile", "app/lib/x"}, `has everything in the folder "app"`},
		{"one folder, from macOS", "app.zip", []string{"app/Procfile", "__MACOSX/app/._Procfile"}, `has everything in the folder "app"`},
		{"one folder in a war", "app.war", []string{"WEB-INF/web.xml"}, ""},
		{"one folder around a war", "app.war", []string{"app/index.jsp", "app/WEB-INF/web.xml"}, `zip -r ../app.war`},
		{"one folder around a jar", "app.jar", []string{"app/META-INF/MANIFEST.MF", "app/x.class"}, `has everything in the folder "app"`},
		{"one folder of classes", "app.jar", []string{"com/x.class", "com/y.class"}, ""},
		{"one folder in a jar", "app.jar", []string{"META-INF/MANIFEST.MF"}, ""},
		{"a link inside", "app.zip", []string{"a", "bin/b -> ../a"}, ""},
		{"nothing", "app.zip", nil, "is an empty archive"},
		{"a way out", "app.war", []string{"a", "../b"}, `entry "../b" leaves the archive's root`},
		{"a way out through folders", "app.war", []string{"a/../../b"}, `entry "a/../../b" leaves`},
		{"a path of the machine", "app.jar", []string{"/etc/passwd"}, `entry "/etc/passwd" leaves`},
		{"Windows", "app.zip", []string{`lib\a`}, `has a \ in its name`},
		{"a link out", "app.zip", []string{"a", "bin/b -> ../../a"}, `entry "bin/b" is a link that leaves`},
		{"a link to the machine", "app.zip", []string{"a", "b -> /etc/passwd"}, `entry "b" is a link that leaves`},
		{"a terminal", "app.zip", []string{"../\x1b[31m"}, `entry "../\x1b[31m" leaves`},
	} {
		t.Run(tt.what, func(t *testing.T) {
			content := archive(t, tt.entries)
			err := Check(tt.name, bytes.NewReader(content), int64(len(content)))
			if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestWhatIsNoArchiveIsRefused(t *testing.T) {
	whole := archive(t, []string{"a", "b"})
	for what, content := range map[string][]byte{
		"nothing": nil, "text": []byte("hello"), "half an archive": whole[:len(whole)/2], "no directory": append([]byte("PK\x03\x04"), make([]byte, 100)...),
	} {
		if err := Check("app.zip", bytes.NewReader(content), int64(len(content))); err == nil || !strings.Contains(err.Error(), "is no zip archive") {
			t.Errorf("%s: %v", what, err)
		}
	}
	behind := append([]byte("#!/bin/sh\nexec java -jar $0\n"), whole...) // a jar that starts itself
	if err := Check("app.jar", bytes.NewReader(behind), int64(len(behind))); err != nil {
		t.Errorf("an archive behind a script: %v", err)
	}
}

func FuzzCheck(f *testing.F) {
	f.Add(archive(f, []string{"a", "bin/b -> ../a"}))
	f.Add(archive(f, []string{"app/a", "../b"}))
	f.Fuzz(func(t *testing.T, content []byte) {
		if Check("app.zip", bytes.NewReader(content), int64(len(content))) != nil {
			return
		}
		r, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatalf("a good archive can't be read: %v", err)
		}
		for _, e := range r.File {
			if strings.HasPrefix(filepath.Clean(e.Name), "..") || filepath.IsAbs(e.Name) {
				t.Errorf("takes %q", e.Name)
			}
		}
	})
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func archive(t testing.TB, entries []string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, entry := range entries {
		name, content, isLink := strings.Cut(entry, " -> ")
		h := &zip.FileHeader{Name: name}
		if h.SetMode(0o644); isLink {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = w.Write([]byte(content))
		}
		if err != nil && !strings.HasSuffix(name, "/") {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
