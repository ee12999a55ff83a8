// Package features keeps the names of the features that were listed last, for the completion of a shell, which
// must not wait for AWS. The files belong to a cache: one that is missing, broken or can't be written is no error.
package features

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"time"

	"beansprout/files"
)

// maxNames limits how many names are kept.
const maxNames = 2000

// readTimeout limits how long a completion waits for its file.
const readTimeout = time.Second

// A Place is where features live, as far as it is known without asking AWS.
type Place struct {
	Local       string // the directory of the local cloud, "" on AWS
	Region      string
	Application string   // "" for all
	Account     []string // what names the account: profile, key, endpoint ...
}

// file returns where the names of a place are kept.
func (p Place) file(cache string) string {
	text, _ := json.Marshal(p) // of strings, which can't fail
	sum := sha256.Sum256(text)
	return filepath.Join(cache, "beansprout", "features-"+hex.EncodeToString(sum[:10])+".json")
}

// Keep writes the names of a place's features into the cache directory.
func Keep(cache string, p Place, names []string) {
	if cache == "" {
		return
	}
	path := p.file(cache)
	text, err := json.Marshal(names[:min(len(names), maxNames)])
	if err != nil || os.MkdirAll(filepath.Dir(path), 0o700) != nil {
		return
	}
	f, err := os.CreateTemp(filepath.Dir(path), "features-*.new")
	if err != nil {
		return
	}
	defer os.Remove(f.Name()) // it is gone where it was renamed
	_, written := f.Write(text)
	if closed := f.Close(); written == nil && closed == nil {
		_ = os.Rename(f.Name(), path)
	}
}

// Known returns the names that were kept last of that place.
func Known(ctx context.Context, cache string, p Place) (names []string) {
	if cache == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	text, err := files.Read(ctx, nil, p.file(cache), files.Text)
	if err != nil || json.Unmarshal(text, &names) != nil {
		return nil
	}
	return names[:min(len(names), maxNames)]
}
