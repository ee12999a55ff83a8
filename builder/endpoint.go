package builder

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// endpoint is where an engine listens.
type endpoint struct {
	host string // as in DOCKER_HOST; "" is the default socket
	tls  *certificates
}

// certificates are what to speak TLS with; a file that is not there is "".
type certificates struct {
	ca, cert, key string
	unverified    bool // whoever answers is taken for the engine
}

// findEndpoint looks where the docker CLI looks, in its order: DOCKER_HOST, DOCKER_CONTEXT,
// the current context of its configuration, the default socket.
func findEndpoint(getenv func(string) string) (endpoint, error) {
	dir := dockerDir(getenv)
	if host := getenv("DOCKER_HOST"); host != "" {
		return endpoint{host, environmentTLS(getenv, dir, host)}, nil
	}
	name := getenv("DOCKER_CONTEXT")
	if name == "" {
		var err error
		if name, err = currentContext(dir); err != nil {
			return endpoint{}, err
		}
	}
	if name == "" || name == "default" {
		return endpoint{}, nil
	}
	return contextEndpoint(dir, name)
}

// dockerDir is where the docker CLI has its configuration.
func dockerDir(getenv func(string) string) string {
	return cmp.Or(getenv("DOCKER_CONFIG"), filepath.Join(getenv("HOME"), ".docker"))
}

func environmentTLS(getenv func(string) string, dir, host string) *certificates {
	verify := getenv("DOCKER_TLS_VERIFY") != ""
	if !verify && getenv("DOCKER_TLS") == "" || !strings.HasPrefix(host, "tcp://") {
		return nil
	}
	return findCertificates(cmp.Or(getenv("DOCKER_CERT_PATH"), dir), !verify)
}

func currentContext(dir string) (string, error) {
	var config struct{ CurrentContext string }
	err := readJSON(filepath.Join(dir, "config.json"), &config)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return config.CurrentContext, err
}

// contextEndpoint reads what "docker context create" has stored under the hash of the name.
func contextEndpoint(dir, name string) (endpoint, error) {
	var meta struct {
		Endpoints map[string]struct {
			Host          string
			SkipTLSVerify bool
		}
	}
	sum := sha256.Sum256([]byte(name))
	id := hex.EncodeToString(sum[:])
	err := readJSON(filepath.Join(dir, "contexts", "meta", id, "meta.json"), &meta)
	if errors.Is(err, fs.ErrNotExist) {
		return endpoint{}, fmt.Errorf("%w: the docker context %q does not exist", ErrNoEngine, name)
	}
	if err != nil {
		return endpoint{}, err
	}
	docker := meta.Endpoints["docker"]
	if docker.Host == "" {
		return endpoint{}, fmt.Errorf("%w: the docker context %q names no host", ErrNoEngine, name)
	}
	e := endpoint{host: docker.Host}
	if stored := findCertificates(filepath.Join(dir, "contexts", "tls", id, "docker"), docker.SkipTLSVerify); stored.found() || docker.SkipTLSVerify {
		e.tls = stored
	}
	return e, nil
}

func findCertificates(dir string, unverified bool) *certificates {
	file := func(name string) string {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); err != nil {
			return ""
		}
		return path
	}
	return &certificates{file("ca.pem"), file("cert.pem"), file("key.pem"), unverified}
}

func (c *certificates) found() bool { return c.ca != "" || c.cert != "" || c.key != "" }

func readJSON(path string, into any) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	return nil
}
