package localcloud

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// request describes a valid request. Tests change it before it is signed and sent.
type request struct {
	service, region, method, path, body string
	header                              map[string]string
	key, secret                         string
	at                                  time.Time
	unsigned                            bool
}

func queryCall(c *Cloud) request {
	key, secret := c.Credentials()
	return request{service: "sts", region: "eu-west-1", method: "POST", path: "/", body: "Action=GetCallerIdentity&Version=2011-06-15",
		header: map[string]string{"Content-Type": formType}, key: key, secret: secret, at: time.Now()}
}

func jsonCall(c *Cloud) request {
	r := queryCall(c)
	r.service, r.body = "ecr", "{}"
	r.header = map[string]string{"X-Amz-Target": "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories", "Content-Type": "application/x-amz-json-1.1"}
	return r
}

func objectCall(c *Cloud) request {
	r := queryCall(c)
	r.service, r.method, r.body, r.header = "s3", "GET", "", map[string]string{}
	return r
}

func (q request) send(t *testing.T, c *Cloud) (*http.Response, string) {
	t.Helper()
	return exchange(t, q.signed(t, c))
}

func (q request) signed(t *testing.T, c *Cloud) *http.Request {
	t.Helper()
	r, err := http.NewRequest(q.method, c.Endpoint()+q.path, strings.NewReader(q.body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range q.header {
		r.Header.Set(k, v)
	}
	if !q.unsigned {
		sum := sha256.Sum256([]byte(q.body))
		hash := hex.EncodeToString(sum[:])
		r.Header.Set("X-Amz-Content-Sha256", hash)
		creds := aws.Credentials{AccessKeyID: q.key, SecretAccessKey: q.secret}
		if err := v4.NewSigner().SignHTTP(context.Background(), creds, r, hash, q.service, q.region, q.at); err != nil {
			t.Fatal(err)
		}
	}
	return r
}

func exchange(t testing.TB, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestUnauthorizedCallsAreRefused(t *testing.T) {
	c := start(t, Config{})
	for _, tt := range []struct {
		name   string
		change func(*request)
		query  string // status and code at the query services, the JSON services, S3
		json   string
		s3     string
	}{
		{"unsigned", func(r *request) { r.unsigned = true }, "403 MissingAuthenticationToken", "400 MissingAuthenticationTokenException", "403 AccessDenied"},
		{"foreign key", func(r *request) { r.key = "AKIAFOREIGNFOREIGN00" }, "403 InvalidClientTokenId", "400 UnrecognizedClientException", "403 InvalidAccessKeyId"},
		{"wrong secret", func(r *request) { r.secret = "x" }, "403 SignatureDoesNotMatch", "400 InvalidSignatureException", "403 SignatureDoesNotMatch"},
		{"stale", func(r *request) { r.at = r.at.Add(-16 * time.Minute) }, "403 SignatureDoesNotMatch", "400 InvalidSignatureException", "403 RequestTimeTooSkewed"},
		{"basic auth", func(r *request) { r.unsigned = true; r.header["Authorization"] = "Basic eDp5" },
			"400 IncompleteSignature", "400 IncompleteSignatureException", "400 AuthorizationHeaderMalformed"},
		{"impossible region", func(r *request) { r.region = "EU west" }, "400 IncompleteSignature", "400 IncompleteSignatureException", "400 AuthorizationHeaderMalformed"},
		{"unknown service", func(r *request) { r.service = "sqs" }, "400 InvalidAction", "400 UnknownOperationException", "501 NotImplemented"},
	} {
		for protocol, want := range map[string]string{"query": tt.query, "json": tt.json, "s3": tt.s3} {
			t.Run(tt.name+" "+protocol, func(t *testing.T) {
				r := map[string]func(*Cloud) request{"query": queryCall, "json": jsonCall, "s3": objectCall}[protocol](c)
				tt.change(&r)
				resp, body := r.send(t, c)
				status, code, _ := strings.Cut(want, " ")
				if !strings.HasPrefix(resp.Status, status) || !strings.Contains(body, ">"+code+"<") && !strings.Contains(body, `"__type":"`+code+`"`) {
					t.Errorf("%s %s, want %s", resp.Status, body, want)
				}
				if resp.Header.Get("Date") == "" || resp.Header.Get("X-Amzn-Requestid")+resp.Header.Get("X-Amz-Request-Id") == "" {
					t.Errorf("no date or request id in %v", resp.Header)
				}
			})
		}
	}
}

func TestValidCallsAreAnswered(t *testing.T) {
	c := start(t, Config{})
	for name, r := range map[string]request{"query": queryCall(c), "json": jsonCall(c), "s3": objectCall(c)} {
		if resp, body := r.send(t, c); resp.StatusCode != 200 {
			t.Errorf("%s: %s %s", name, resp.Status, body)
		}
	}
}

func TestLargeParametersAreRefused(t *testing.T) {
	c := start(t, Config{})
	r := queryCall(c)
	r.body += "&x=" + strings.Repeat("x", 1<<20)
	if resp, body := r.send(t, c); resp.StatusCode != 413 {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestForeignHostNamesAreRefused(t *testing.T) {
	c := start(t, Config{})
	for host, want := range map[string]int{
		"evil.example:2326": 403, "127.0.0.1.evil.example": 403, "localhost.evil.example": 403, "10.0.0.1": 403, "x.localhost": 403,
		"localhost:2326": 200, "127.0.0.1": 200, "[::1]:2326": 200, "127.1.2.3:1": 200,
	} {
		r, err := http.NewRequest("GET", c.Endpoint()+healthPath, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		if resp, _ := exchange(t, r); resp.StatusCode != want {
			t.Errorf("Host %s: %d, want %d", host, resp.StatusCode, want)
		}
	}
}

func TestRegistryDemandsItsToken(t *testing.T) {
	c := start(t, Config{})
	r, err := http.NewRequest("GET", c.Endpoint()+"/v2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, _ := exchange(t, r); resp.StatusCode != 401 || !strings.HasPrefix(resp.Header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("without: %s %v", resp.Status, resp.Header)
	}
	r.SetBasicAuth("AWS", c.registry.Token())
	if resp, body := exchange(t, r); resp.StatusCode != 200 {
		t.Errorf("with: %s %s", resp.Status, body)
	}
}

func TestUnknownURLsAnswer404(t *testing.T) {
	c := start(t, Config{})
	r, err := http.NewRequest("GET", "http://"+c.urls.Addr().String(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "nobody.localhost"
	if resp, body := exchange(t, r); resp.StatusCode != 404 || !strings.Contains(body, "nobody") {
		t.Errorf("%s %s", resp.Status, body)
	}
}

func TestEveryCallIsLogged(t *testing.T) {
	now := time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC)
	c := start(t, Config{Now: func() time.Time { return now }})
	r := queryCall(c)
	r.at = now
	resp, _ := r.send(t, c)
	if got := resp.Header.Get("Date"); got != "Fri, 01 May 2026 00:00:00 GMT" {
		t.Errorf("Date = %q, not the cloud's clock", got)
	}
	r = objectCall(c)
	r.at, r.path = now, "/nobody/key"
	r.send(t, c)
	raw, err := os.ReadFile(filepath.Join(c.cfg.Dir, requestFile))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for i, want := range []Entry{
		{now, "sts", "GetCallerIdentity", 200, "eu-west-1", resp.Header.Get("X-Amzn-Requestid"), 0, "Go-http-client/1.1", ""},
		{now, "s3", "GetObject", 404, "eu-west-1", "", 0, "Go-http-client/1.1", ""},
	} {
		got := c.Calls()[i]
		var line Entry
		if err := json.Unmarshal([]byte(lines[i]), &line); err != nil || line != got {
			t.Errorf("line %d = %+v, %v, want %+v", i, line, err, got)
		}
		if got.Millis = 0; want.ID == "" {
			got.ID = ""
		}
		if got != want {
			t.Errorf("call %d = %+v, want %+v", i, got, want)
		}
	}
}

func TestRequestLogIsBounded(t *testing.T) {
	dir := t.TempDir()
	l, err := openRequestLog(dir)
	if err != nil {
		t.Fatal(err)
	}
	l.size = maxLog - 1
	for _, action := range []string{"first", "second", "third"} {
		if err := l.add(Entry{Action: action}); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.close(); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{oldRequests: "first", requestFile: "third"} {
		if raw, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(raw), want) {
			t.Errorf("%s = %q, %v, want %s in it", name, raw, err, want)
		}
	}
	for i := range 2*maxEntries + 5 {
		l.newest = append(l.newest, Entry{Status: i})
	}
	if got := len(l.entries()); got != maxEntries {
		t.Errorf("%d entries in memory, want %d", got, maxEntries)
	}
}
