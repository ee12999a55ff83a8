package engine

import (
	"archive/zip"
	"cmp"
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
	"path"
	"slices"
	"strings"

	"beansprout/dockerrun"
)

const (
	mostBundle   = 512 << 20 // AWS's limit
	mostDocument = 1 << 20
	documentName = "Dockerrun.aws.json"
)

// bundle is the content of a deployment: its Dockerrun document and its files.
type bundle struct {
	document
	compose  []byte      // its docker-compose.yml, instead of a document
	files    *zip.Reader // nil: a document without files
	runnable bool        // it has one of the two, unlike a war or a jar
}

// open reads an untrusted bundle: a zip, or a Dockerrun.aws.json alone, which AWS accepts, too.
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
	if err != nil {
		return bundle{files: files}, err
	}
	if d.Compose {
		return openCompose(text, files)
	}
	if text == nil {
		return bundle{files: files}, nil
	}
	doc, err := parse(text, cmp.Or(d.Port, 80))
	return bundle{document: doc, files: files, runnable: true}, err
}

// openCompose reads a bundle for the platform that runs Docker Compose. Its Dockerrun.aws.json, if
// there is one, only names credentials, which are not used here.
func openCompose(document []byte, files *zip.Reader) (bundle, error) {
	if v := versionOf(document); document != nil && v != "1" && v != "3" {
		return bundle{}, &Failure{cause: "Invalid " + documentName + " version, abort deployment"}
	}
	if files == nil {
		return bundle{}, nil
	}
	text, err := readEntry(files, composeName)
	if errors.Is(err, fs.ErrNotExist) {
		return bundle{files: files}, nil
	}
	if err != nil {
		return bundle{}, refusedCompose("%s", oneLine(err.Error(), 200))
	}
	return bundle{compose: text, files: files, runnable: true}, nil
}

func versionOf(document []byte) string {
	var d struct{ AWSEBDockerrunVersion json.RawMessage }
	_ = json.Unmarshal(document, &d) // what is no JSON has no version
	return strings.Trim(string(d.AWSEBDockerrunVersion), `"`)
}

func readDocument(r io.ReaderAt, size int64) ([]byte, *zip.Reader, error) {
	whole := io.NewSectionReader(r, 0, size)
	files, err := dockerrun.OpenArchive(r, size)
	if err != nil {
		if text, err := readLimited(whole); err == nil && json.Valid(text) {
			return text, nil, nil
		}
		return nil, nil, &Failure{cause: "The source bundle is not a zip archive: " + oneLine(err.Error(), 200)}
	}
	text, err := readEntry(files, documentName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, files, nil
	}
	if err != nil {
		return nil, nil, refused("%s: %s", documentName, oneLine(err.Error(), 200))
	}
	return text, files, nil
}

// readEntry reads a file of a bundle, which must be a regular one.
func readEntry(archive *zip.Reader, name string) ([]byte, error) {
	file, err := archive.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("is not a regular file")
	}
	if err != nil {
		return nil, err
	}
	return readLimited(file)
}

func readLimited(r io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostDocument+1))
	if err == nil && len(text) > mostDocument {
		err = errors.New("larger than 1 MiB")
	}
	return text, err
}

// key identifies what a deployment runs: deployments with equal keys run equal containers.
func (d Deployment) key() (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(d.Bundle, 0, d.Size)); err != nil {
		return "", fmt.Errorf("read the source bundle: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Variables)) {
		fmt.Fprintf(h, "\x00%q=%q", name, d.Variables[name])
	}
	fmt.Fprintf(h, "\x00%q\x00%d", d.HealthPath, cmp.Or(d.Port, 80))
	return hex.EncodeToString(h.Sum(nil))[:32], nil
}

// unpack writes the bundle's files below dir. It writes links last, so that no file is written
// through a link.
func unpack(files *zip.Reader, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil || files == nil {
		return err
	}
	if err := dockerrun.CheckArchive(files, "zip"); err != nil {
		return &Failure{cause: "The source bundle cannot be unpacked: " + oneLine(err.Error(), 300)}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, link := range []bool{false, true} {
		for _, f := range files.File {
			if link != (f.Mode()&fs.ModeSymlink != 0) {
				continue
			}
			if err := unpackEntry(root, f); err != nil {
				return &Failure{cause: fmt.Sprintf("The source bundle cannot be unpacked: %s: %s", oneLine(f.Name, 200), oneLine(err.Error(), 200))}
			}
		}
	}
	return nil
}

// unpackEntry writes an entry that CheckArchive has accepted. An entry that occurs twice is equal
// both times.
func unpackEntry(root *os.Root, f *zip.File) error {
	name := path.Clean(f.Name)
	if f.Mode().IsDir() {
		return root.MkdirAll(name, 0o755)
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	content, err := f.Open()
	if err != nil {
		return err
	}
	defer content.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(content)
		if err != nil {
			return err
		}
		return unlessThere(root.Symlink(string(target), name))
	}
	to, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644|f.Mode().Perm())
	if err != nil {
		return unlessThere(err)
	}
	_, err = io.Copy(to, content)
	return errors.Join(err, to.Close())
}

func unlessThere(err error) error {
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}
