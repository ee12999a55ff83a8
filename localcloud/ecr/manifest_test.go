package ecr

import (
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
)

func TestParseManifest(t *testing.T) {
	sum := func(c string) string { return "sha256:" + strings.Repeat(c, 64) }
	const oci, list = "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"
	for _, tt := range []struct{ name, mediaType, body, want string }{
		{"config and layers", oci, `{"config":{"mediaType":"c","size":5,"digest":"` + sum("1") + `"},"layers":[{"size":7,"digest":"` + sum("2") + `"}]}`,
			oci + " c 12 " + sum("1") + " " + sum("2")},
		{"its own media type", "", `{"mediaType":"` + oci + `","config":{"mediaType":"c","digest":"` + sum("1") + `"}}`, oci + " c 0 " + sum("1")},
		{"a layer from elsewhere is not pushed", oci, `{"config":{"mediaType":"c","digest":"` + sum("1") + `"},"layers":[{"size":7,"digest":"` + sum("2") +
			`","mediaType":"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"}]}`, oci + " c 7 " + sum("1")},
		{"a negative size", oci, `{"artifactType":"a","config":{"size":-9,"digest":"` + sum("1") + `"}}`, oci + " a 0 " + sum("1")},
		{"a list", list, `{"manifests":[{"digest":"` + sum("3") + `"}]}`, list + "  0  children " + sum("3")},
		{"another media type than its own", list, `{"mediaType":"` + oci + `"}`, "pushed as"},
		{"no media type", "", `{}`, "is no manifest"},
		{"schema 1", "application/vnd.docker.distribution.manifest.v1+json", `{}`, "is no manifest"},
		{"a digest that is a path", oci, `{"config":{"digest":"sha256:../../../../etc/passwd"}}`, "read image manifest"},
		{"no JSON", oci, `{}{}`, "read manifest"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			m, err := parseManifest([]byte(tt.body), tt.mediaType)
			got := strings.Join([]string{m.MediaType, m.ArtifactType, strconv.FormatInt(m.Size, 10), strings.Join(m.Blobs, " ")}, " ")
			if m.Children != nil {
				got += " children " + strings.Join(m.Children, " ")
			}
			if err != nil {
				got = err.Error()
			}
			if err == nil && got != tt.want || !strings.Contains(got, tt.want) {
				t.Errorf("got %s\nwant %s", got, tt.want)
			}
		})
	}
}

func FuzzManifest(f *testing.F) {
	img, err := random.Image(10, 1)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := img.RawManifest()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw, "")
	f.Add([]byte(`{"schemaVersion":2,"manifests":[{"digest":"sha256:`+strings.Repeat("a", 64)+`"}]}`), "application/vnd.oci.image.index.v1+json")
	f.Add([]byte(`{"config":{"digest":"sha256:.."},"layers":[{"size":-1}]}`), "application/vnd.oci.image.manifest.v1+json")
	f.Fuzz(func(t *testing.T, body []byte, mediaType string) {
		m, err := parseManifest(body, mediaType)
		if err != nil {
			return
		}
		for _, d := range append(m.Blobs, m.Children...) {
			if d != ":" && !digestForm.MatchString(d) { // ":" has no digest, and no file has that name
				t.Errorf("took %q for a digest", d)
			}
		}
	})
}
