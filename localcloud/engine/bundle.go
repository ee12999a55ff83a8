package engine

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	mostBundle   = 512 << 20 // AWS's limit
	mostUnpacked = 2 << 30
	mostDocument = 1 << 20
	documentName = "Dockerrun.aws.json"
)

// bundle is what a deployment brings: its Dockerrun document and its files.
type bundle struct {
	document
	files    *zip.Reader // nil: a document without files
	runnable bool        // there is a document; a war or a jar has none
}

// open reads a hostile bundle: a zip, or a Dockerrun.aws.json alone, which AWS takes too.
func open(d Deployment) (bundle, error) {
	if d.Size == 0 {
		return bundle{}, nil
	}
	if d.Size < 0 || d.Size > mostBundle {
		return bundle{}, &Failure{cause: fmt.Sprintf("The source bundle has %d bytes, at most %d are allowed.", d.Size, mostBundle)}
	}
	if _, err := url.Parse(d.HealthPath); err != nil {
		return bundle{}, &Failure{cause: "The health check path is not valid: " + oneLine(err.Error(), 200)}
	}
	text, files, err := readDocument(d.Bundle, d.Size)
	if err != nil || text == nil {
		return bundle{files: files}, err
	}
	doc, err := parse(text)
	return bundle{document: doc, files: files, runnable: true}, err
}

func readDocument(r io.ReaderAt, size int64) ([]byte, *zip.Reader, error) {
	whole := io.NewSectionReader(r, 0, size)
	files, err := zip.NewReader(r, size)
	if err != nil {
		if text, err := readLimited(whole); err == nil && json.Valid(text) {
			return text, nil, nil
		}
		return nil, nil, &Failure{cause: "The source bundle is not a zip archive: " + oneLine(err.Error(), 200)}
	}
	f, err := files.Open(documentName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, files, nil
	}
	if err != nil {
		return nil, nil, refused("%s: %s", documentName, oneLine(err.Error(), 200))
	}
	defer f.Close()
	text, err := readLimited(f)
	if err != nil {
		return nil, nil, refused("%s: %s", documentName, oneLine(err.Error(), 200))
	}
	return text, files, nil
}

func readLimited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostDocument+1))
	if err == nil && len(text) > mostDocument {
		err = errors.New("larger than 1 MiB")
	}
	return text, err
}

// key names what a deployment runs: equal keys, equal containers.
func (d Deployment) key() (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(d.Bundle, 0, d.Size)); err != nil {
		return "", fmt.Errorf("read the source bundle: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		fmt.Fprintf(h, "\x00%q=%q", name, d.Variables[name])
	}
	fmt.Fprintf(h, "\x00%q", d.HealthPath)
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// unpack writes the bundle's files below dir. os.CopyFS takes names that stay below dir and plain
// files alone: a link, which a container's mount would follow, is an error.
func unpack(files *zip.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil || files == nil {
		return err
	}
	var size uint64
	for _, f := range files.File {
		// The reader fails on a file that is larger than it says.
		if size += min(f.UncompressedSize64, mostUnpacked+1); size > mostUnpacked {
			return &Failure{cause: "The source bundle unpacks to more than 2 GiB."}
		}
		if !filepath.IsLocal(strings.TrimSuffix(f.Name, "/")) || strings.Contains(f.Name, `\`) {
			return &Failure{cause: "The source bundle has an entry outside its root: " + oneLine(f.Name, 200)}
		}
	}
	if err := os.CopyFS(dir, files); err != nil {
		return &Failure{cause: "The source bundle cannot be unpacked: " + oneLine(err.Error(), 200)}
	}
	return nil
}
