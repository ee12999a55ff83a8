package ecr

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// blobs keeps layers, configs and manifests in files named by their SHA-256, for all repositories
// together. A file under its name is complete. Uploads are files, too, so that pushes never wait for
// one another. Nothing is synced: a killed process loses nothing, a power failure may lose files.
type blobs struct {
	dir     string
	uploads string
	moving  sync.RWMutex // a sweep locks it, so that it removes no blob that a push relies on
}

// grace is how long a file that no image names stays, because its push may be in progress.
const grace = time.Hour

// errDigest is reported for an upload whose bytes do not have the client's digest.
var errDigest = errors.New("digest did not match the uploaded content")

func openBlobs(dir string) (*blobs, error) {
	b := &blobs{dir: filepath.Join(dir, "blobs"), uploads: filepath.Join(dir, "uploads")}
	return b, errors.Join(os.MkdirAll(b.dir, 0o700), os.MkdirAll(b.uploads, 0o700))
}

// path returns the file of a digest that has passed the router or is from a parsed manifest.
func (b *blobs) path(digest string) string {
	return filepath.Join(b.dir, strings.TrimPrefix(digest, "sha256:"))
}

func (b *blobs) upload(id string) string { return filepath.Join(b.uploads, id) }

// reserve reports whether a blob exists, and protects it from the sweep for the grace time, because
// the client that asks will not push it again.
func (b *blobs) reserve(digest string) bool {
	b.moving.RLock()
	defer b.moving.RUnlock()
	now := time.Now()
	return os.Chtimes(b.path(digest), now, now) == nil
}

// begin starts an upload with its first bytes.
func (b *blobs) begin(first []byte) (id string, err error) {
	id = strings.ToLower(rand.Text())
	return id, os.WriteFile(b.upload(id), first, 0o600)
}

// extend adds the content of r to an upload and returns its size in bytes.
func (b *blobs) extend(id string, r io.Reader) (size int64, err error) {
	f, err := os.OpenFile(b.upload(id), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	if _, err := io.Copy(f, r); err != nil {
		return 0, err
	}
	return f.Seek(0, io.SeekEnd)
}

// commit makes an upload a blob if it has the digest, and else removes it.
func (b *blobs) commit(id, digest string) error {
	f, err := os.Open(b.upload(id))
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, f); err != nil {
		return err
	}
	if digest != "sha256:"+hex.EncodeToString(hash.Sum(nil)) {
		return errors.Join(errDigest, os.Remove(f.Name()))
	}
	b.moving.RLock()
	defer b.moving.RUnlock()
	return os.Rename(f.Name(), b.path(digest))
}

// sweep removes the files that are older than before: blobs that are not live, and abandoned
// uploads. It returns how many it removed.
func (b *blobs) sweep(live map[string]bool, before time.Time) (removed int, err error) {
	b.moving.Lock()
	defer b.moving.Unlock()
	for _, dir := range []string{b.dir, b.uploads} {
		files, readErr := os.ReadDir(dir)
		err = errors.Join(err, readErr)
		for _, f := range files {
			if live["sha256:"+f.Name()] || !older(f, before) {
				continue
			}
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
			removed++
		}
	}
	return removed, err
}

func older(f fs.DirEntry, before time.Time) bool {
	i, err := f.Info()
	return err == nil && i.ModTime().Before(before)
}
