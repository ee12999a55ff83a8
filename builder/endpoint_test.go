package builder

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"path/filepath"
	"strings"
	"testing"
)

func contextID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// writeContext stores a context as "docker context create" does.
func writeContext(t *testing.T, dir, name, host string) {
	t.Helper()
	write(t, filepath.Join(dir, "contexts", "meta", contextID(name), "meta.json"),
		`{"Name":"`+name+`","Metadata":{},"Endpoints":{"docker":{"Host":"`+host+`","SkipTLSVerify":false}}}`)
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

func TestFindEndpointLooksWhereTheDockerCLIDoes(t *testing.T) {
	home := t.TempDir()
	config := filepath.Join(home, ".docker")
	writeContext(t, config, "remote", "tcp://remote:2376")
	writeContext(t, config, "current", "unix:///run/current.sock")
	write(t, filepath.Join(config, "contexts", "tls", contextID("remote"), "docker", "ca.pem"), "x")
	other, broken := t.TempDir(), t.TempDir()
	write(t, filepath.Join(config, "config.json"), `{"auths":{},"currentContext":"current"}`)
	write(t, filepath.Join(broken, "config.json"), `{`)
	for _, test := range []struct {
		name     string
		env      map[string]string
		host, ca string
		err      string
	}{
		{name: "DOCKER_HOST before all", env: map[string]string{"DOCKER_HOST": "tcp://1.2.3.4:5", "DOCKER_CONTEXT": "remote"}, host: "tcp://1.2.3.4:5"},
		{name: "DOCKER_CONTEXT before the current context", env: map[string]string{"DOCKER_CONTEXT": "remote"}, host: "tcp://remote:2376", ca: filepath.Join(config, "contexts", "tls", contextID("remote"), "docker", "ca.pem")},
		{name: "the current context", host: "unix:///run/current.sock"},
		{name: "the context called default", env: map[string]string{"DOCKER_CONTEXT": "default"}},
		{name: "nothing configured", env: map[string]string{"DOCKER_CONFIG": other}},
		{name: "a context that is not there", env: map[string]string{"DOCKER_CONTEXT": "gone"}, err: `the docker context "gone" does not exist`},
		{name: "a configuration that is no JSON", env: map[string]string{"DOCKER_CONFIG": broken}, err: filepath.Join(broken, "config.json")},
		{name: "certificates of the environment", env: map[string]string{"DOCKER_HOST": "tcp://1.2.3.4:5", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": filepath.Join(config, "contexts", "tls", contextID("remote"), "docker")}, host: "tcp://1.2.3.4:5", ca: filepath.Join(config, "contexts", "tls", contextID("remote"), "docker", "ca.pem")},
	} {
		t.Run(test.name, func(t *testing.T) {
			e, err := findEndpoint(func(name string) string {
				if value, ok := test.env[name]; ok || name != "HOME" {
					return value
				}
				return home
			})
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error = %v, want %q", err, test.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			ca := ""
			if e.tls != nil {
				ca = e.tls.ca
			}
			if e.host != test.host || ca != test.ca {
				t.Errorf("host %q, ca %q, want %q, %q", e.host, ca, test.host, test.ca)
			}
		})
	}
}
