package localcloud

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"slices"
)

const (
	identityFile = "identity.json"
	unfinished   = ".new" // ending of a file that is being written
)

// identity is what a cloud is for as long as its directory exists.
type identity struct {
	ID      string `json:"id"`      // label of all its Docker resources
	Account string `json:"account"` // 12 digits
	Key     string `json:"key"`
	Secret  string `json:"secret"`
	// Registries are the host:ports under which the Docker Engine may know its images;
	// none if it never ran containers.
	Registries []string `json:"registries,omitempty"`
}

// identify reads who the cloud is, and decides it the first time.
func identify(dir string) (identity, error) {
	id, err := readIdentity(dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	id = newIdentity()
	return id, writeJSON(filepath.Join(dir, identityFile), id)
}

// remember adds a registry.
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
	const digits, upper = "0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
	return identity{
		ID:      random("0123456789abcdef", 16),
		Account: "9" + random(digits, 11), // no leading zero: some tools take it for a number
		Key:     "AKIA" + random(upper, 16),
		Secret:  random(upper+"abcdefghijklmnopqrstuvwxyz", 40),
	}
}

func random(alphabet string, n int) string {
	s := make([]byte, n)
	for i := range s {
		k, _ := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet)))) // crypto/rand does not fail
		s[i] = alphabet[k.Int64()]
	}
	return string(s)
}

// uuid is a random UUID: the form of AWS's request ids.
func uuid() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // does not fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// writeJSON replaces a file at once, for its owner's eyes only.
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
