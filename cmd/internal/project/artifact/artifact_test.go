package artifact

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"path/filepath"
	"strings"
	"testing"

	"beansprout/test/must"
)

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
		{"a chained link out", "app.war", []string{"a/b -> ..", "c -> a/b/.."}, `app.war: entry "c" is a link that leaves`},
		{"two files of a war", "app.war", []string{"WEB-INF/a -> b", "WEB-INF/a"}, `entry "WEB-INF/a" is there twice`},
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
	must.Succeed(t, z.Close())
	return b.Bytes()
}
