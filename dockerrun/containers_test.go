package dockerrun

import (
	"archive/zip"
	"bytes"
	"slices"
	"strings"
	"testing"
)

// zipped packs files, given as name and text in turns.
func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestContainersAreReadFromABundle(t *testing.T) {
	document := `{"AWSEBDockerrunVersion": 2, "containerDefinitions": [{"name": "web", "image": "a@b"}, {"name": "proxy", "image": "c"}]}`
	for _, tt := range []struct {
		name   string
		bundle []byte
		want   []Container
		fails  string
	}{
		{"two", zipped(t, ".platform/x", "", documentName, document), []Container{{"web", "a@b"}, {"proxy", "c"}}, ""},
		{"none", zipped(t, "index.jsp", ""), nil, ""},
		{"in a folder", zipped(t, "x/"+documentName, document), nil, ""},
		{"no JSON", zipped(t, documentName, "<html>"), nil, "read Dockerrun.aws.json"},
		{"endless", zipped(t, documentName, document+strings.Repeat(" ", maxDocument)), nil, "more than"},
		{"no zip", []byte("bundle"), nil, "read the bundle"},
	} {
		got, err := Containers(bytes.NewReader(tt.bundle), int64(len(tt.bundle)))
		if !slices.Equal(got, tt.want) || (err != nil) != (tt.fails != "") || err != nil && !strings.Contains(err.Error(), tt.fails) {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
	}
}

func FuzzContainers(f *testing.F) {
	f.Add(zipped(f, documentName, `{"containerDefinitions": [{"name": "web", "image": "x"}]}`))
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, bundle []byte) {
		if got, err := Containers(bytes.NewReader(bundle), int64(len(bundle))); err != nil && got != nil {
			t.Errorf("Containers = %v, %v", got, err)
		}
	})
}
