package builder

import (
	"cmp"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config"
	"github.com/docker/cli/cli/context/docker"

	"beansprout/test/must"
)

func contextID(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:])
}

// writeContext stores a context as "docker context create" does.
func writeContext(t *testing.T, dir, name, host string) {
	t.Helper()
	must.Write(t, filepath.Join(dir, "contexts", "meta", contextID(name), "meta.json"),
		`{"Name":"`+name+`","Metadata":{},"Endpoints":{"docker":{"Host":"`+host+`","SkipTLSVerify":false}}}`)
}

func pemOf(c *x509.Certificate) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw}))
}

// dockerConfig has docker's configuration in dir until the test ends.
func dockerConfig(t *testing.T, dir string) {
	t.Helper()
	before := config.Dir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(before) })
}

func TestFindEndpointLooksWhereTheDockerCLIDoes(t *testing.T) {
	usual := t.TempDir()
	writeContext(t, usual, "remote", "tcp://remote:2376")
	writeContext(t, usual, "current", "unix:///run/current.sock")
	writeContext(t, usual, "over ssh", "ssh://me@build")
	certificates := filepath.Join(usual, "contexts", "tls", contextID("remote"), "docker")
	must.Write(t, filepath.Join(certificates, "ca.pem"), "x")
	must.Write(t, filepath.Join(usual, "config.json"), `{"auths":{},"currentContext":"current"}`)
	other, empty, broken := t.TempDir(), t.TempDir(), t.TempDir()
	must.Write(t, filepath.Join(empty, "config.json"), "")
	must.Write(t, filepath.Join(broken, "config.json"), `{`)
	for _, test := range []struct {
		name, dir string
		env       map[string]string
		host, ca  string
		err       string
	}{
		{name: "DOCKER_HOST before all", env: map[string]string{"DOCKER_HOST": "tcp://1.2.3.4:5", "DOCKER_CONTEXT": "remote"}, host: "tcp://1.2.3.4:5"},
		{name: "a host without more", env: map[string]string{"DOCKER_HOST": "1.2.3.4"}, host: "tcp://1.2.3.4:2375"},
		{name: "DOCKER_CONTEXT before the current context", env: map[string]string{"DOCKER_CONTEXT": "remote"}, host: "tcp://remote:2376", ca: "x"},
		{name: "the current context", host: "unix:///run/current.sock"},
		{name: "a context over ssh", env: map[string]string{"DOCKER_CONTEXT": "over ssh"}, host: "ssh://me@build"},
		{name: "the context called default", env: map[string]string{"DOCKER_CONTEXT": "default"}, host: "unix:///var/run/docker.sock"},
		{name: "nothing configured", dir: other, host: "unix:///var/run/docker.sock"},
		{name: "an empty configuration", dir: empty, host: "unix:///var/run/docker.sock"},
		{name: "a context that is not there", env: map[string]string{"DOCKER_CONTEXT": "gone"}, err: `the docker context "gone" does not exist`},
		{name: "a configuration that is no JSON", dir: broken, err: filepath.Join(broken, "config.json")},
		{name: "certificates of the environment", env: map[string]string{"DOCKER_HOST": "tcp://1.2.3.4:5", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": certificates}, host: "tcp://1.2.3.4:5", ca: "x"},
		{name: "no certificates", env: map[string]string{"DOCKER_HOST": "tcp://1.2.3.4:5", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": other}, err: filepath.Join(other, "ca.pem")},
		{name: "TLS is not for sockets", env: map[string]string{"DOCKER_HOST": "unix:///x.sock", "DOCKER_TLS_VERIFY": "1"}, host: "unix:///x.sock"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dockerConfig(t, cmp.Or(test.dir, usual))
			for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_TLS", "DOCKER_CERT_PATH"} {
				t.Setenv(name, test.env[name])
			}
			file, err := loadConfig()
			var e docker.Endpoint
			if err == nil {
				e, err = findEndpoint(file)
			}
			if test.err != "" {
				if err == nil || !strings.Contains(err.Error(), test.err) {
					t.Fatalf("error = %v, want %q", err, test.err)
				}
				return
			}
			must.Succeed(t, err)
			ca := ""
			if e.TLSData != nil {
				ca = string(e.TLSData.CA)
			}
			if e.Host != test.host || ca != test.ca {
				t.Errorf("host %q, ca %q, want %q, %q", e.Host, ca, test.host, test.ca)
			}
		})
	}
}

// TestAnEngineOverSSH has a program called ssh relay to the engine, as the docker command on the
// other side does.
func TestAnEngineOverSSH(t *testing.T) {
	shelf, dir := newShelf(t), t.TempDir()
	connect(t)
	self, err := os.Executable()
	must.Succeed(t, err)
	must.Succeed(t, os.Symlink(self, filepath.Join(dir, "ssh")))
	t.Setenv("BUILDER_TEST_ENGINE", connect(t).host)
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv("DOCKER_HOST", "ssh://me@build")
	b := connect(t)
	made := mustBuild(t, b, shelf, Options{}, smallSource(t, b))
	if !shelf.has(t, made[0].Reference) {
		t.Error("the image is not in the registry")
	}
}

// pretendSSH is what TestMain runs as ssh.
func pretendSSH() {
	engine, err := net.Dial("unix", strings.TrimPrefix(os.Getenv("BUILDER_TEST_ENGINE"), "unix://"))
	if err != nil {
		log.Fatal(err)
	}
	go func() {
		_, _ = io.Copy(engine, os.Stdin)
		_ = engine.(*net.UnixConn).CloseWrite()
	}()
	_, _ = io.Copy(os.Stdout, engine)
}

func TestTheProxiesOfDockersConfigurationReachTheBuild(t *testing.T) {
	host := connect(t).host
	usual := `"default":{"httpProxy":"http://kim:hunter2@proxy:3128"}`
	for _, test := range []struct{ name, proxies, lookup, given, want string }{
		{"by default", usual, "http_proxy", "", `http_proxy is "http://***@proxy:3128"`},
		{"of the engine", usual + `,"` + host + `":{"httpProxy":"http://own:3128"}`, "HTTP_PROXY", "", `HTTP_PROXY is "http://own:3128"`},
		{"but for what the source says", usual, "HTTP_PROXY", "http://mine", `HTTP_PROXY is "http://mine"`},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			must.Write(t, filepath.Join(dir, "config.json"), `{"proxies":{`+test.proxies+`}}`)
			dockerConfig(t, dir)
			b, shelf, log := connect(t), newShelf(t), &record{}
			s := newSource(t, b, map[string]string{"step": stepBinary(t), "salt": rand.Text(), "Dockerfile": "FROM scratch\nCOPY step salt /\n" +
				`RUN ["/step", "lookup", "` + test.lookup + `"]` + "\n"})
			if test.given != "" {
				s.Args = map[string]string{"HTTP_PROXY": test.given}
			}
			mustBuild(t, b, shelf, Options{Log: log.log}, s)
			if !strings.Contains(log.String(), "build: [2/2] "+test.want+"\n") {
				t.Errorf("no %q in the log:\n%s", test.want, log)
			}
		})
	}
}

func TestProxiesAreNoPartOfTheFingerprint(t *testing.T) {
	s := Source{Name: "web", Context: t.TempDir()}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), "FROM scratch\nARG HTTP_PROXY\nCOPY Dockerfile /\n")
	var ids []string
	for _, proxies := range []string{"", `"default":{"httpProxy":"http://proxy:3128"}`} {
		dir := t.TempDir()
		must.Write(t, filepath.Join(dir, "config.json"), `{"proxies":{`+proxies+`}}`)
		dockerConfig(t, dir)
		b := connect(t)
		made, err := b.fingerprint(t.Context(), s, nil)
		must.Succeed(t, err)
		ids = append(ids, made.ID)
	}
	if ids[0] == "" || ids[0] != ids[1] {
		t.Errorf("fingerprints %q", ids)
	}
}

func TestConnectSaysInOneSentenceWhyThereIsNoEngine(t *testing.T) {
	for _, test := range []struct{ name, host, want string }{
		{"nothing listens at the port", "tcp://127.0.0.1:1", "no Docker Engine answers at tcp://127.0.0.1:1"},
		{"no socket", "unix:///gone/docker.sock", "no Docker Engine answers at unix:///gone/docker.sock"},
		{"ssh", "ssh://me@nowhere.invalid", "no Docker Engine answers at ssh://me@nowhere.invalid: command [ssh "},
		{"nonsense", "nonsense://x", "find the Docker Engine: no Docker Engine at \"nonsense://x\": "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", test.host)
			_, err := Connect(t.Context())
			if !errors.Is(err, ErrNoEngine) || !strings.HasPrefix(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error = %v, want %q", err, test.want)
			}
		})
	}
}

func TestConnectRefusesAnEngineWithoutBuildKit(t *testing.T) {
	old := answering(t, "1.38", `{"ApiVersion":"1.38","Os":"linux","Arch":"amd64"}`)
	old.Start()
	t.Setenv("DOCKER_HOST", "tcp://"+strings.TrimPrefix(old.URL, "http://"))
	_, err := Connect(t.Context())
	if !errors.Is(err, ErrTooOld) || !strings.Contains(err.Error(), "1.38") {
		t.Errorf("error = %v", err)
	}
}

func TestConnectSpeaksTLSWithTheCertificatesOfAContext(t *testing.T) {
	engine := answering(t, "1.41", `{"ApiVersion":"1.41","Os":"linux","Arch":"arm64"}`)
	engine.StartTLS()
	dir := t.TempDir()
	writeContext(t, dir, "remote", "tcp://"+strings.TrimPrefix(engine.URL, "https://"))
	t.Setenv("DOCKER_HOST", "")
	dockerConfig(t, dir)
	t.Setenv("DOCKER_CONTEXT", "remote")
	if _, err := Connect(t.Context()); !errors.Is(err, ErrWantsTLS) {
		t.Errorf("an engine with an unknown certificate: error = %v", err)
	}
	must.Write(t, filepath.Join(dir, "contexts", "tls", contextID("remote"), "docker", "ca.pem"), pemOf(engine.Certificate()))
	b, err := Connect(t.Context())
	must.Succeed(t, err)
	defer b.Close()
	if b.Platform() != "linux/arm64" {
		t.Errorf("platform = %q", b.Platform())
	}
}

// answering is an engine that answers every request with the same.
func answering(t *testing.T, version, body string) *httptest.Server {
	t.Helper()
	engine := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Api-Version", version)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(body))
	}))
	engine.Config.ErrorLog = log.New(io.Discard, "", 0) // some connections are refused
	t.Cleanup(engine.Close)
	return engine
}

func TestConnectRecognizesConnectionErrors(t *testing.T) {
	const version = `{"ApiVersion":"1.41","Os":"linux","Arch":"amd64"}`
	encrypted, strict, open, podman := answering(t, "1.41", version), answering(t, "1.41", version), answering(t, "1.41", version),
		answering(t, "1.41", `{"ApiVersion":"1.41","Version":"5.4.0","Os":"linux","Arch":"amd64","Components":[{"Name":"Podman Engine","Version":"5.4.0"},{"Name":"Conmon"}]}`)
	strict.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
	encrypted.StartTLS()
	strict.StartTLS()
	open.Start()
	podman.Start()
	known, strange := t.TempDir(), t.TempDir()
	must.Write(t, filepath.Join(known, "ca.pem"), pemOf(encrypted.Certificate()))
	must.Write(t, filepath.Join(strange, "ca.pem"), pemOf(strangeAuthority(t)))
	for _, test := range []struct {
		name   string
		engine *httptest.Server
		certs  string
		want   error
	}{
		{"TLS on a plain port", encrypted, "", ErrWantsTLS},
		{"no TLS on the port of TLS", open, known, ErrNoTLS},
		{"a certificate of another authority", encrypted, strange, ErrCertificate},
		{"a client without a certificate", strict, known, ErrClientCertificate},
		{"Podman", podman, "", ErrPodman},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, address, _ := strings.Cut(test.engine.URL, "://")
			t.Setenv("DOCKER_HOST", "tcp://"+address)
			if test.certs != "" {
				t.Setenv("DOCKER_TLS_VERIFY", "1")
				t.Setenv("DOCKER_CERT_PATH", test.certs)
			}
			_, err := Connect(t.Context())
			if !errors.Is(err, test.want) || errors.Is(err, ErrNoEngine) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), address) {
				t.Errorf("error = %v, want %v", err, test.want)
			}
		})
	}
}

// strangeAuthority returns a certificate that has signed nothing here.
func strangeAuthority(t *testing.T) *x509.Certificate {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	must.Succeed(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, public, private)
	must.Succeed(t, err)
	certificate, err := x509.ParseCertificate(der)
	must.Succeed(t, err)
	return certificate
}

func TestAnEngineOfAnotherAPIVersion(t *testing.T) {
	connect(t)
	t.Setenv("DOCKER_API_VERSION", "1.99")
	if _, err := Connect(t.Context()); !errors.Is(err, ErrAPIVersion) {
		t.Errorf("error = %v", err)
	}
}

// TestCheckReach asks for a registry that is there, and for a port without one: an engine elsewhere
// reports the same for ours.
func TestCheckReach(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	if err := b.CheckReach(t.Context(), shelf.host); err != nil {
		t.Errorf("a registry that is there: %v", err)
	}
	if err := b.CheckReach(t.Context(), "127.0.0.1:9"); !errors.Is(err, ErrOtherLoopback) || !strings.Contains(err.Error(), "127.0.0.1:9") {
		t.Errorf("error = %v", err)
	}
}
