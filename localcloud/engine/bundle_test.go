package engine

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestKindsOfBundlesAreRecognized(t *testing.T) {
	doc := dockerrunOf(nil, web(nil))
	tests := map[string]struct {
		content  []byte
		runnable bool
		want     string
	}{
		"zip":                   {zipOf(t, documentName, doc), true, ""},
		"lone document":         {[]byte(doc), true, ""},
		"war":                   {zipOf(t, "WEB-INF/web.xml", "<web-app/>"), false, ""},
		"document further down": {zipOf(t, "app/"+documentName, doc), false, ""},
		"no zip":                {[]byte("hello"), false, "The source bundle is not a zip archive"},
		"cut zip":               {zipOf(t, documentName, doc)[:100], false, "The source bundle is not a zip archive"},
		"huge document":         {zipOf(t, documentName, strings.Repeat(" ", mostDocument)+doc), false, "larger than 1 MiB"},
		"directory":             {zipOf(t, documentName+"/x", ""), false, "ECS Application sourcebundle validation error"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b, err := open(deploymentOf("v1", test.content))
			if test.want == "" && (err != nil || b.runnable != test.runnable) {
				t.Errorf("got runnable %t, %v, want %t", b.runnable, err, test.runnable)
			}
			var failure *Failure
			if test.want != "" && (!errors.As(err, &failure) || !strings.Contains(failure.Reason(), test.want)) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
	if _, err := open(Deployment{Size: mostBundle + 1}); err == nil {
		t.Error("a bundle over 512 MB is read")
	}
	if _, err := open(Deployment{Size: 1, HealthPath: "\x00"}); err == nil {
		t.Error("a health check path that is none is taken")
	}
}

func TestUnpackedBundleStaysInItsDirectory(t *testing.T) {
	tests := map[string]struct {
		name string
		mode fs.FileMode
		ok   bool
	}{
		"plain":        {"a/b.txt", 0o644, true},
		"program":      {"a/run", 0o755, true},
		"dots":         {"a..b/c", 0o644, true},
		"parent":       {"../x", 0o644, false},
		"deep parent":  {"a/../../x", 0o644, false},
		"absolute":     {"/x", 0o644, false},
		"backslash":    {`a\..\..\x`, 0o644, false},
		"link out":     {"link", fs.ModeSymlink | 0o777, false},
		"device":       {"dev", fs.ModeDevice | 0o644, false},
		"socket":       {"sock", fs.ModeSocket | 0o644, false},
		"empty folder": {"dir/", fs.ModeDir | 0o755, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var content bytes.Buffer
			w := zip.NewWriter(&content)
			h := &zip.FileHeader{Name: test.name}
			h.SetMode(test.mode)
			f, err := w.CreateHeader(h)
			if err != nil {
				t.Fatal(err)
			}
			if !test.mode.IsDir() {
				_, _ = f.Write([]byte("/etc/passwd"))
			}
			_ = w.Close()
			files, err := zip.NewReader(bytes.NewReader(content.Bytes()), int64(content.Len()))
			if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
				t.Fatal(err)
			}
			outer := t.TempDir()
			err = unpack(files, filepath.Join(outer, "in"))
			if (err == nil) != test.ok {
				t.Errorf("unpack = %v, want success %t", err, test.ok)
			}
			entries, _ := os.ReadDir(outer)
			if len(entries) != 1 {
				t.Errorf("there is more beside the directory: %v", entries)
			}
			info, err := os.Lstat(filepath.Join(outer, "in", test.name))
			if test.ok && (err != nil || (info.Mode()&0o100 != 0) != (test.mode&0o100 != 0)) {
				t.Errorf("unpacked as %v, %v, want %v", info, err, test.mode)
			}
		})
	}
}

func TestBundleThatUnpacksToTooMuchIsRefused(t *testing.T) {
	files := &zip.Reader{}
	for i := range 3 {
		files.File = append(files.File, &zip.File{FileHeader: zip.FileHeader{Name: fmt.Sprint(i), UncompressedSize64: 2 << 30}})
	}
	if err := unpack(files, t.TempDir()); err == nil || !strings.Contains(err.Error(), "more than 4 GB") {
		t.Errorf("got %v", err)
	}
}

func TestKeyChangesWithTheDeployment(t *testing.T) {
	base := func() Deployment { return deploymentOf("v1", []byte("bundle")) }
	changes := map[string]func(*Deployment){
		"other bundle":   func(d *Deployment) { *d = deploymentOf("v1", []byte("bundlf")) },
		"other value":    func(d *Deployment) { d.Variables["VERSION"] = "v2" },
		"more variables": func(d *Deployment) { d.Variables["A"] = "" },
		"moved quote":    func(d *Deployment) { d.Variables = map[string]string{`VERSION"="v1`: ""} },
		"health path":    func(d *Deployment) { d.HealthPath = "/healthz" },
	}
	seen := map[string]string{}
	key, _ := base().key()
	seen[key] = "unchanged"
	for name, change := range changes {
		d := base()
		change(&d)
		key, err := d.key()
		if other, ok := seen[key]; ok || err != nil {
			t.Errorf("%s has the key of %s (%v)", name, other, err)
		}
		seen[key] = name
	}
	same := base()
	same.Version, same.Name = "other label", "other"
	if again, _ := same.key(); again != key {
		t.Error("the label changes the key")
	}
}

func TestContainersOwnVariablesTakePrecedence(t *testing.T) {
	all := map[string]string{"B": "deployment", "A": "x=y"}
	got := environment(all, []variable{{"B", "own"}, {"C", ""}})
	if want := []string{"A=x=y", "B=own", "C="}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if all["B"] != "deployment" {
		t.Error("the deployment's variables were changed")
	}
	if got := environment(nil, nil); got != nil {
		t.Errorf("got %q of nothing", got)
	}
}

func TestLinksOfABundleStayInIt(t *testing.T) {
	for want, entries := range map[string][]string{
		"": {"a/up -> ..", "current -> releases/2", "releases/2/app = two", "x -> a/up/current/app"},
		`entry "c" is a link that leaves the archive's root`: {"a/b -> ..", "c -> a/b/.."},
		`entry "a/passwd" is below "a", which is no folder`:  {"a -> .", "a/passwd = x"},
	} {
		var content bytes.Buffer
		w := zip.NewWriter(&content)
		for _, entry := range entries {
			name, text, _ := strings.Cut(entry, " = ")
			h := &zip.FileHeader{Name: name}
			h.SetMode(0o644)
			if link, target, ok := strings.Cut(entry, " -> "); ok {
				h.Name, text = link, target
				h.SetMode(fs.ModeSymlink | 0o777)
			}
			f, err := w.CreateHeader(h)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = f.Write([]byte(text))
		}
		_ = w.Close()
		files, err := zip.NewReader(bytes.NewReader(content.Bytes()), int64(content.Len()))
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		err = unpack(files, dir)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want %s", err, want)
			}
			continue
		}
		if text, read := os.ReadFile(filepath.Join(dir, "x")); err != nil || read != nil || string(text) != "two" {
			t.Errorf("unpacked: %v; through the links: %q, %v", err, text, read)
		}
	}
}
