package janitor

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// repository makes a git repository with these branches, whose HEAD is main.
func repository(t *testing.T, branches ...string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "it's shop.git")
	git(t, "", "init", "-q", "--bare", "-b", "main", dir)
	tree := strings.TrimSpace(git(t, dir, "hash-object", "-t", "tree", "-w", os.DevNull))
	commit := strings.TrimSpace(git(t, dir, "-c", "user.name=kim", "-c", "user.email=kim@example.com", "commit-tree", "-m", "one", tree))
	for _, branch := range branches {
		git(t, dir, "update-ref", "refs/heads/"+branch, commit)
	}
	git(t, dir, "update-ref", "refs/tags/v1", commit)
	return dir
}

func git(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("git %q: %v", args, err)
	}
	return string(out)
}

// serve serves a repository as git's own program does, and returns its URL.
func serve(t *testing.T, dir string, before func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	backend := &cgi.Handler{
		Path: strings.TrimSpace(git(t, "", "--exec-path")) + "/git-http-backend",
		Env:  []string{"GIT_PROJECT_ROOT=" + filepath.Dir(dir), "GIT_HTTP_EXPORT_ALL=1"},
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || before(w, r) {
			backend.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + "/it's%20shop.git"
}

func names(listed map[string]bool) string {
	var all []string
	for name := range listed {
		all = append(all, name)
	}
	slices.Sort(all)
	return strings.Join(all, " ")
}

func TestTheBranchesOfARemoteAreListedByHTTP(t *testing.T) {
	dir := repository(t, "main", "feature/a", "로그인")
	wants := func(w http.ResponseWriter, r *http.Request) bool {
		if name, password, _ := r.BasicAuth(); name != "bot" || password != "secret" {
			w.Header().Set("WWW-Authenticate", "Basic")
			w.WriteHeader(http.StatusUnauthorized)
			return false
		}
		return true
	}
	remote := serve(t, dir, wants)
	named := strings.Replace(remote, "http://", "http://bot@", 1)
	for name, b := range map[string]Branches{
		"by a token":      {Remote: named, Token: "secret"},
		"by the URL's":    {Remote: strings.Replace(remote, "http://", "http://bot:secret@", 1), Token: "other"},
		"without asking":  {Remote: serve(t, dir, nil)},
		"with a slash":    {Remote: serve(t, dir, nil) + "/"},
		"redirected once": {Remote: serve(t, dir, redirectOnce())},
	} {
		if got, err := b.list(t.Context()); err != nil || names(got) != "feature/a main 로그인" {
			t.Errorf("%s: %q, %v", name, names(got), err)
		}
	}
	for name, b := range map[string]Branches{
		"no password":    {Remote: remote},
		"a wrong one":    {Remote: named, Token: "hunter2"},
		"in the URL":     {Remote: strings.Replace(remote, "http://", "http://bot:hunter2@", 1)},
		"a wrong scheme": {Remote: "file:///etc/hunter2"},
		"git's own":      {Remote: "git://bot:hunter2@example.com/shop"},
		"plain":          {Remote: "http://bot:hunter2@example.com/shop"},
		"no URL":         {Remote: "https://bot:hunter2@%zz/"},
		"an option":      {Remote: "ssh://-oProxyCommand=x/shop"},
	} {
		_, err := b.list(t.Context())
		if err == nil || strings.Contains(err.Error(), "hunter2") && name != "a wrong scheme" || strings.Contains(err.Error(), "bot") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func redirectOnce() func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Query().Get("again") != "" {
			return true
		}
		http.Redirect(w, r, r.URL.String()+"&again=1", http.StatusFound)
		return false
	}
}

func TestAListThatIsNotWholeIsNone(t *testing.T) {
	const kind, first = "application/x-git-upload-pack-advertisement", "001e# service=git-upload-pack\n0000"
	line := func(s string) string { return fmt.Sprintf("%04x%s", len(s)+4, s) }
	hash := strings.Repeat("a", 40)
	head := line(hash + " HEAD\x00symref=HEAD:refs/heads/main agent=git/2\n")
	main := line(hash + " refs/heads/main\n")
	var answer, contentType string
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	long := strings.Repeat(line(hash+" refs/heads/"+strings.Repeat("x", 900)+"\n"), listBytes/900)
	for _, tt := range []struct{ name, kind, answer, want string }{
		{"whole", kind, first + head + main + "0000", ""},
		{"cut off", kind, first + head + main, "EOF"},
		{"cut off within a line", kind, first + head + main[:20], ""},
		{"without its HEAD", kind, first + head + line(hash+" refs/heads/other\n") + "0000", `its HEAD is "main", and no such branch is listed`},
		{"without any HEAD", kind, first + line(hash+" refs/heads/main\x00agent=git/2\n") + "0000", `its HEAD is ""`},
		{"empty", kind, first + "0000", ""},
		{"a page for people", "text/html", "<html>", `with "text/html"`},
		{"endless", kind, first + head + long, "longer than"},
	} {
		answer, contentType = tt.answer, tt.kind
		got, err := Branches{Remote: server.URL}.list(t.Context())
		if tt.name == "whole" {
			if err != nil || names(got) != "main" {
				t.Errorf("%s: %q, %v", tt.name, names(got), err)
			}
		} else if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %q, %v, want %q", tt.name, names(got), err, tt.want)
		}
	}
	status, contentType, answer = http.StatusBadGateway, kind, first+head+main+"0000"
	if got, err := (Branches{Remote: server.URL}).list(t.Context()); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("whole, with status 502: %q, %v", names(got), err)
	}
}

func TestARemoteThatRedirectsElsewhereOrIsSilentIsGivenUp(t *testing.T) {
	told := false
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, _, told = r.BasicAuth() }))
	t.Cleanup(thief.Close)
	server := httptest.NewServer(http.RedirectHandler(strings.Replace(thief.URL, "127.0.0.1", "localhost", 1), http.StatusFound))
	t.Cleanup(server.Close)
	if _, err := (Branches{Remote: server.URL, Token: "secret"}).list(t.Context()); err == nil || told || !strings.Contains(err.Error(), "another host") {
		t.Errorf("redirected: %v, told the password: %v", err, told)
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	for _, remote := range []string{"http://" + silent.Addr().String() + "/shop", "ssh://git@" + silent.Addr().String() + "/shop"} {
		key, _ := keyFile(t)
		if _, err := (Branches{Remote: remote, Key: key, KnownHosts: []string{os.DevNull}}).list(ctx); err == nil || !strings.Contains(err.Error(), "no answer within") {
			t.Errorf("%s: %v", remote, err)
		}
	}
}

// keyFile makes a key for ssh.
func keyFile(t *testing.T) (string, ssh.Signer) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return file, signer
}

// serveSSH serves repositories by ssh to the owner of a key, and returns where, with the host's key.
func serveSSH(t *testing.T, allowed ssh.PublicKey) (address string, host ssh.PublicKey) {
	t.Helper()
	_, signer := keyFile(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		if string(key.Marshal()) != string(allowed.Marshal()) {
			return nil, fmt.Errorf("unknown key")
		}
		return nil, nil
	}}
	config.AddHostKey(signer)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go answerSSH(conn, config)
		}
	}()
	return l.Addr().String(), signer.PublicKey()
}

func answerSSH(conn net.Conn, config *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, config)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		for r := range requests {
			if r.Type != "exec" {
				continue
			}
			_ = r.Reply(true, nil)
			cmd := exec.Command("sh", "-c", string(r.Payload[4:4+binary.BigEndian.Uint32(r.Payload)]))
			cmd.Stdin, cmd.Stdout = channel, channel
			_ = cmd.Run()
			_ = channel.Close()
		}
	}
}

func TestTheBranchesOfARemoteAreListedBySSH(t *testing.T) {
	dir := repository(t, "main", "feature/a")
	key, signer := keyFile(t)
	address, hostKey := serveSSH(t, signer.PublicKey())
	known := filepath.Join(t.TempDir(), "known_hosts")
	write := func(key ssh.PublicKey) {
		if err := os.WriteFile(known, []byte(knownhosts.Line([]string{address}, key)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(hostKey)
	whole := Branches{Remote: "ssh://git@" + address + dir, Key: key, KnownHosts: []string{known}}
	if got, err := whole.list(t.Context()); err != nil || names(got) != "feature/a main" {
		t.Errorf("%q, %v", names(got), err)
	}
	other, _ := keyFile(t)
	locked := filepath.Join(t.TempDir(), "locked")
	_, private, _ := ed25519.GenerateKey(rand.Reader)
	block, err := ssh.MarshalPrivateKeyWithPassphrase(private, "", []byte("secret"))
	if err == nil {
		err = os.WriteFile(locked, pem.EncodeToMemory(block), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		change func(b *Branches)
		want   string
	}{
		"another's key":   {func(b *Branches) { b.Key = other }, "unable to authenticate"},
		"no key":          {func(b *Branches) { b.Key = "" }, "no private key"},
		"a locked key":    {func(b *Branches) { b.Key = locked }, "which is not asked for"},
		"no known hosts":  {func(b *Branches) { b.KnownHosts = nil }, "no file of known hosts"},
		"an unknown host": {func(b *Branches) { b.KnownHosts = []string{os.DevNull} }, "key is unknown"},
		"no repository":   {func(b *Branches) { b.Remote += "x" }, "empty input"},
	} {
		b := whole
		tt.change(&b)
		if _, err := b.list(t.Context()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	write(signer.PublicKey())
	if _, err := whole.list(t.Context()); err == nil || !strings.Contains(err.Error(), "key mismatch") {
		t.Errorf("a host with another key: %v", err)
	}
}

func TestARemoteIsReadAsGitReadsIt(t *testing.T) {
	for remote, want := range map[string]string{
		"git@github.com:acme/shop.git":        "ssh://github.com/acme/shop.git",
		"github.com:acme/shop.git":            "ssh://github.com/acme/shop.git",
		"ssh://git@example.com:2222/shop.git": "ssh://example.com:2222/shop.git",
		"https://bot:secret@example.com/shop": "https://example.com/shop",
		"http://127.0.0.1:8080/shop":          "http://127.0.0.1:8080/shop",
		"http://example.com/shop":             "",
		"/srv/shop.git":                       "",
		"C:\\shop":                            "",
		"":                                    "",
	} {
		u, err := parseRemote(remote)
		if (err != nil) != (want == "") || err == nil && shown(u) != want {
			t.Errorf("%q: %v, %v", remote, u, err)
		}
	}
}
