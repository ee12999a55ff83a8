package lab

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"beansprout/localcloud"
	"beansprout/test/must"
)

// Detour returns a state directory according to which a running cloud answers at another address.
func Detour(t testing.TB, cloud localcloud.Running, endpoint string) string {
	t.Helper()
	cloud.Endpoint = endpoint
	text, err := json.Marshal(cloud)
	must.Succeed(t, err)
	dir := t.TempDir()
	must.Succeed(t, os.WriteFile(filepath.Join(dir, "cloud.json"), text, 0o600))
	return dir
}

// Forward sends a request on to the cloud, and returns the answer and its body.
func Forward(cloud *url.URL, r *http.Request, body []byte) (*http.Response, []byte, error) {
	on := r.Clone(r.Context())
	on.RequestURI, on.URL.Scheme, on.URL.Host = "", cloud.Scheme, cloud.Host // the signature is over r.Host
	on.Body = io.NopCloser(bytes.NewReader(body))
	answer, err := http.DefaultTransport.RoundTrip(on)
	if err != nil {
		return nil, nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	return answer, text, err
}

// CallName names a request: its action, or else its method and the directory of its path.
func CallName(r *http.Request, body []byte) string {
	form, _ := url.ParseQuery(string(body))
	_, target, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	if action := form.Get("Action"); action != "" {
		return action
	}
	if target != "" {
		return target
	}
	return r.Method + " " + path.Base(path.Dir(r.URL.Path))
}
