package ecr

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxManifest is ECR's limit in bytes.
const maxManifest = 4 << 20

// manifest holds facts about the manifest of an image or of a manifest list. Its bytes are a blob.
type manifest struct {
	Digest       string
	MediaType    string
	ArtifactType string   `json:",omitempty"`
	Size         int64    // of config and layers, in bytes
	Blobs        []string `json:",omitempty"` // digests of config and layers
	Children     []string `json:",omitempty"` // digests of a list's manifests
}

// parseManifest reads a manifest that was pushed as mediaType. If that is "", the manifest names its
// type.
func parseManifest(body []byte, mediaType string) (manifest, error) {
	var named struct{ MediaType string }
	if err := json.Unmarshal(body, &named); err != nil {
		return manifest{}, fmt.Errorf("read manifest: %w", err)
	}
	m := manifest{Digest: digestOf(body), MediaType: cmp.Or(mediaType, named.MediaType)}
	if named.MediaType != "" && named.MediaType != m.MediaType {
		return manifest{}, fmt.Errorf("manifest of media type %q pushed as %q", named.MediaType, m.MediaType)
	}
	switch media := types.MediaType(m.MediaType); {
	case media.IsImage():
		return m, m.readImage(body)
	case media.IsIndex():
		return m, m.readList(body)
	}
	return manifest{}, fmt.Errorf("media type %q is no manifest", m.MediaType)
}

func (m *manifest) readImage(body []byte) error {
	img, err := v1.ParseManifest(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("read image manifest: %w", err)
	}
	m.ArtifactType = cmp.Or(img.ArtifactType, string(img.Config.MediaType))
	for _, d := range append([]v1.Descriptor{img.Config}, img.Layers...) {
		m.Size += max(0, d.Size)
		if d.MediaType.IsDistributable() {
			m.Blobs = append(m.Blobs, d.Digest.String())
		}
	}
	return nil
}

func (m *manifest) readList(body []byte) error {
	list, err := v1.ParseIndexManifest(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("read manifest list: %w", err)
	}
	m.ArtifactType = list.ArtifactType
	for _, d := range list.Manifests {
		m.Children = append(m.Children, d.Digest.String())
	}
	return nil
}

func digestOf(body []byte) string {
	sum := sha256.Sum256(body)
	return "sha256:" + hex.EncodeToString(sum[:])
}
