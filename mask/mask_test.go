package mask

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

func TestHide(t *testing.T) {
	long := strings.Repeat("0123456789", 300)
	m := Mask{}.With(4, "{\n  \"token\": \"abc\"\n}\nabcdefgh\nabcd\n"+long+"\n", `-----BEGIN KEY-----\nMIIEpAIB\nabc\n`)
	for text, want := range map[string]string{
		"a { b }":             "a { b }",
		"abcdefghi abcde":     "***i ***e",
		`has "token": "abc" `: "has *** ",
		"x" + long + "y":      "x*********y",
		"key: MIIEpAIB abc":   "key: *** abc",
	} {
		if got := m.Hide(text); got != want {
			t.Errorf("Hide(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestHideKeepsShortText(t *testing.T) {
	m := Mask{}.With(MinSecret, "12345", "", "abc\ndef", `p\n1234`)
	for _, text := range []string{"12345 abc def", "MTIzNDU=", "nothing is secret"} {
		if got := m.Hide(text); got != text {
			t.Errorf("Hide(%q) = %q", text, got)
		}
	}
	if got := m.Hide(`its p\n1234.`); got != "its ***." {
		t.Errorf("a password with a backslash is shown: %q", got)
	}
	if got := (Mask{}).Hide("nothing is secret"); got != "nothing is secret" {
		t.Errorf("Hide = %q", got)
	}
}

// TestHideFindsEncodings wants nothing of a secret to be legible however a program writes it.
func TestHideFindsEncodings(t *testing.T) {
	key := "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ+/\n", 12) + "-----END PRIVATE KEY-----\n"
	for _, secret := range []string{"hunter2-hunter2", `a"b\c<d>&e/f+g=h i%j`, key, "ünïcödé-secret"} {
		m := Mask{}.With(MinSecret, secret)
		quoted, _ := json.Marshal(secret)
		for name, text := range map[string]string{
			"plain": secret, "query": url.QueryEscape(strings.TrimSpace(secret)), "path": url.PathEscape(strings.Split(secret, "\n")[0]),
			"json": string(quoted), "one line": strings.ReplaceAll(secret, "\n", " "), "base64": base64.StdEncoding.EncodeToString([]byte(secret)),
			"url base64": base64.RawURLEncoding.EncodeToString([]byte(secret)), "basic auth": base64.StdEncoding.EncodeToString([]byte("AWS:" + secret)),
			"bearer": base64.StdEncoding.EncodeToString([]byte("kim42:" + secret)), "wrapped": wrapped(secret, 76), "openssl": wrapped(secret, 64),
		} {
			if name == "query" && strings.Contains(secret, "\n") {
				continue // nothing sends a private key so
			}
			if got := m.Hide(text); 3*len(got) > 2*len(text) || !strings.Contains(got, "***") {
				t.Errorf("%s of %.20q: %q", name, secret, got)
			}
		}
	}
}

func wrapped(secret string, width int) string {
	var b strings.Builder
	for text := base64.StdEncoding.EncodeToString([]byte(secret + "\n")); text != ""; {
		n := min(width, len(text))
		fmt.Fprintln(&b, text[:n])
		text = text[n:]
	}
	return b.String()
}

func TestHideRemovesCredentialsFromURLs(t *testing.T) {
	for text, want := range map[string]string{
		"dial tcp://kim:pw@10.0.0.1:2375: refused":        "dial tcp://***@10.0.0.1:2375: refused",
		"git clone https://oauth2:a@b@git.acme.com/x.git": "git clone https://***@git.acme.com/x.git",
		"redis://:pw@cache:6379/0":                        "redis://***@cache:6379/0",
		"http://127.0.0.1:80/a@b":                         "http://127.0.0.1:80/a@b",
		"ssh://git@github.com/acme/shop":                  "ssh://git@github.com/acme/shop",
		"see http://a:80 or mail kim@acme.com":            "see http://a:80 or mail kim@acme.com",
	} {
		if got := (Mask{}).Hide(text); got != want {
			t.Errorf("Hide(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestVariable(t *testing.T) {
	for _, name := range []string{
		"SLACK_BOT_TOKEN", "aws_secret_access_key", "AWS_SESSION_TOKEN", "DbPassword", "MYSQL_PWD", "PGPASSWORD", "DB_PASS", "SSHPASS", "PASS", "dbpasswd",
		"GPG_PASSPHRASE", "API_KEY", "APIKEY", "apiKey", "SSH_KEY", "API_KEY2", "PRIVATE_KEY_PEM", "GH_PAT", "NPM_AUTH", "DOCKER_AUTH_CONFIG",
		"GOOGLE_CREDENTIALS", "SECRET_KEY_BASE", "TOKEN_FILE",
	} {
		if got := Variable(name, "hunter2"); len(got) != 1 || got[0] != "hunter2" {
			t.Errorf("%s: %q is secret", name, got)
		}
	}
	for _, name := range []string{"PATH", "HOME", "PWD", "OLDPWD", "AWS_ACCESS_KEY_ID", "GIT_ASKPASS", "COMPASS", "KEYBOARD", "GIT_CONFIG_KEY_0", "SSH_AUTH_SOCK", "AUTHOR"} {
		if got := Variable(name, "hunter2"); len(got) > 0 {
			t.Errorf("%s: %q is secret", name, got)
		}
	}
	for _, name := range []string{"AWS_WEB_IDENTITY_TOKEN_FILE", "DB_PASSWORD_FILE", "AWS_SHARED_CREDENTIALS_FILE"} {
		if got := Variable(name, "/var/run/secret"); len(got) > 0 {
			t.Errorf("%s: %q is secret", name, got)
		}
	}
}

func TestVariableFindsPasswordsInURLs(t *testing.T) {
	for value, want := range map[string]string{
		"tcp://kim:hunter2@10.0.0.1:2376":                        "hunter2",
		"http://proxy:p%40ssw0rd@proxy:3128":                     "p%40ssw0rd p@ssw0rd",
		"url.https://x-access-token:ghs_1@github.com/.insteadOf": "ghs_1",
		"https://ghp_1234567@github.com":                         "ghp_1234567",
		"https://ghp_1234567:x-oauth-basic@github.com":           "ghp_1234567",
		"postgres://app:a@b:c@db/shop?x=http://u:other12@h":      "a@b:c other12",
		"ssh://git@github.com":                                   "",
		"kim@acme.com":                                           "",
	} {
		if got := strings.Join(Variable("X", value), " "); got != want {
			t.Errorf("in %q %q is secret, want %q", value, got, want)
		}
	}
}
