package awsconfig

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"beansprout/test/must"
)

// TestTheTokenOfACITakesARole has the variables that the GitLab jobs set.
func TestTheTokenOfACITakesARole(t *testing.T) {
	var requests []url.Values
	answer := ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		requests = append(requests, r.Form)
		if answer != "" {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprintf(w, "<ErrorResponse><Error><Code>%s</Code><Message>No OpenIDConnect provider found in your account</Message></Error></ErrorResponse>", answer)
			return
		}
		fmt.Fprint(w, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId>"+
			"<SecretAccessKey>secret</SecretAccessKey><SessionToken>session</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration></Credentials>"+
			"</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>")
	}))
	t.Cleanup(server.Close)
	token := filepath.Join(t.TempDir(), "token")
	must.Write(t, token, "the-token")
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_STS": server.URL, "AWS_CONFIG_FILE": filepath.Join(t.TempDir(), "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(t.TempDir(), "none"),
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_PROFILE": "",
		"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/ci", "AWS_ROLE_SESSION_NAME": "gitlab-job-1", "AWS_WEB_IDENTITY_TOKEN_FILE": token,
	} {
		t.Setenv(name, value)
	}
	cfg, _, err := Load(t.Context(), "eu-central-1")
	must.Succeed(t, err)
	got, err := cfg.Credentials.Retrieve(t.Context())
	if err != nil || got.AccessKeyID != "ASIA" || got.SessionToken != "session" {
		t.Errorf("got %v, %v", got.AccessKeyID, err)
	}
	if r := requests[0]; r.Get("WebIdentityToken") != "the-token" || r.Get("RoleSessionName") != "gitlab-job-1" || !strings.HasSuffix(r.Get("RoleArn"), "role/ci") {
		t.Errorf("asked %v", r)
	}

	for code, tries := range map[string]int{"AccessDenied": 1, "InvalidIdentityToken": tokenTries} {
		answer, requests = code, nil
		cfg, _, err := Load(t.Context(), "eu-central-1")
		must.Succeed(t, err)
		if _, err := cfg.Credentials.Retrieve(t.Context()); err == nil || !strings.Contains(err.Error(), code) || len(requests) != tries {
			t.Errorf("%s: %d requests, %v", code, len(requests), err)
		}
	}
}
