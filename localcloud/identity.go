package localcloud

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	identityFile = "identity.json"
	unfinished   = ".new" // suffix of a file that is being written
)

// identity is what stays the same as long as a cloud's directory exists.
type identity struct {
	ID      string `json:"id"`      // label of all its Docker resources
	Account string `json:"account"` // 12 digits
	Key     string `json:"key"`
	Secret  string `json:"secret"`
	// Registries are the host:ports under which the Docker Engine may know the cloud's images. It
	// is empty if the cloud never ran containers.
	Registries []string `json:"registries,omitempty"`
}

// identify reads the identity of the cloud in dir, and makes one the first time.
func identify(dir string) (identity, error) {
	id, err := readIdentity(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = newIdentity()
	return id, writeJSON(filepath.Join(dir, identityFile), id)
}

// remember adds a registry to the identity file.
func (id *identity) remember(dir, registry string) error {
	if slices.Contains(id.Registries, registry) {
		return nil
	}
	id.Registries = append(id.Registries, registry)
	return writeJSON(filepath.Join(dir, identityFile), id)
}

func readIdentity(dir string) (id identity, err error) {
	path := filepath.Join(dir, identityFile)
	raw, err := os.ReadFile(path)
	if err != nil {
		return id, fmt.Errorf("read the local cloud's identity: %w", err)
	}
	if err := json.Unmarshal(raw, &id); err != nil {
		return id, fmt.Errorf("read the local cloud's identity in %s: %w", path, err)
	}
	return id, nil
}

func newIdentity() identity {
	n, _ := rand.Int(rand.Reader, big.NewInt(1e11)) // crypto/rand does not fail
	return identity{
		ID:      strings.ToLower(rand.Text()[:16]),
		Account: fmt.Sprintf("9%011d", n), // no leading zero: some tools read it as a number
		Key:     "AKIA" + rand.Text()[:16],
		Secret:  (rand.Text() + rand.Text())[:40],
	}
}

// writeJSON replaces a file atomically. Only its owner may read it.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	f, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}
