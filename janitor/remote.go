package janitor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"
)

// Branches says where the branches are listed that environments were made for, and how long one must
// be gone. It needs no git program, and never asks for a password.
type Branches struct {
	Remote     string        // an https or ssh URL, or as in git@host:path; "" lists nothing
	After      time.Duration // how long a branch must be gone
	Token      string        // the password for https; "" for none, or the one in Remote
	Key        string        // the file of the private key for ssh
	KnownHosts []string      // the files of the hosts' keys for ssh
}

const (
	listTimeout = 10 * time.Second
	// listBytes is the longest list that is read: that of some 200,000 branches.
	listBytes = 16 << 20
)

// list returns the names of the remote's branches. A list without the branch that the remote's HEAD
// names is an error: it is not whole.
func (b Branches) list(ctx context.Context) (map[string]bool, error) {
	u, err := parseRemote(b.Remote)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	ask := b.overHTTP
	if u.Scheme == "ssh" {
		ask = b.overSSH
	}
	refs := packp.NewAdvRefs()
	err = ask(ctx, u, func(answer io.Reader) error {
		limited := &io.LimitedReader{R: answer, N: listBytes}
		err := refs.Decode(limited)
		if err != nil && limited.N <= 0 {
			err = fmt.Errorf("it is longer than %d bytes", listBytes)
		}
		return err
	})
	if ctx.Err() != nil && err != nil {
		err = fmt.Errorf("there was no answer within %v", listTimeout)
	}
	if err != nil {
		return nil, fmt.Errorf("list the branches of %s: %w", shown(u), err)
	}
	names := map[string]bool{}
	for ref := range refs.References {
		if name, ok := strings.CutPrefix(ref, "refs/heads/"); ok {
			names[name] = true
		}
	}
	if head := headOf(refs); !names[head] {
		return nil, fmt.Errorf("list the branches of %s: its HEAD is %q, and no such branch is listed", shown(u), head)
	}
	return names, nil
}

// headOf returns the branch that the remote's HEAD names, or "".
func headOf(refs *packp.AdvRefs) string {
	for _, symref := range refs.Capabilities.Get(capability.SymRef) {
		if head, ok := strings.CutPrefix(symref, "HEAD:refs/heads/"); ok {
			return head
		}
	}
	return ""
}

// parseRemote reads the URL of a remote, also as in git@host:path. What anybody on the way could
// answer is refused: an answer decides about removals.
func parseRemote(remote string) (*url.URL, error) {
	if host, path, ok := strings.Cut(remote, ":"); ok && !strings.Contains(remote, "://") && !strings.ContainsAny(host, "/\\") && len(host) > 1 {
		remote = "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
	}
	u, err := url.Parse(remote)
	switch {
	case err != nil, u.Hostname() == "", strings.HasPrefix(u.Hostname(), "-"):
		return nil, errors.New("the remote is not an https or ssh URL") // without the URL: it may hold a password
	case u.Scheme == "https", u.Scheme == "ssh":
		return u, nil
	case u.Scheme == "http" && isLoopback(u.Hostname()):
		return u, nil
	}
	return nil, fmt.Errorf("the remote %s is not an https or ssh URL", shown(u))
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// shown returns a URL without the user and the password in it.
func shown(u *url.URL) string {
	plain := *u
	plain.User, plain.RawQuery, plain.Fragment = nil, "", ""
	return plain.String()
}

// overHTTP asks by git's smart HTTP protocol. A redirection to another host is not followed: it would
// be told the password.
func (b Branches) overHTTP(ctx context.Context, u *url.URL, read func(io.Reader) error) error {
	target := *u
	target.User, target.RawQuery = nil, "service=git-upload-pack"
	target.Path = strings.TrimSuffix(u.Path, "/") + "/info/refs"
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, target.String(), nil)
	if err != nil {
		return errors.New("the URL is malformed")
	}
	name, password := u.User.Username(), b.Token
	if given, ok := u.User.Password(); ok {
		password = given
	}
	if name != "" || password != "" {
		if name == "" {
			name = "git"
		}
		req.SetBasicAuth(name, password)
	}
	client := &http.Client{CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != target.Host || next.URL.Scheme != target.Scheme || len(via) > 3 {
			return errors.New("it redirects to another host")
		}
		return nil
	}}
	defer client.CloseIdleConnections()
	res, err := client.Do(req)
	if err != nil {
		if failed, ok := errors.AsType[*url.Error](err); ok {
			err = failed.Err
		}
		return err
	}
	defer res.Body.Close()
	switch {
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		return fmt.Errorf("it asks for a password, or refuses the one it was given: %s", res.Status)
	case res.StatusCode != http.StatusOK:
		return errors.New(res.Status)
	case res.Header.Get("Content-Type") != "application/x-git-upload-pack-advertisement":
		return fmt.Errorf("it does not answer as git does, but with %q", res.Header.Get("Content-Type"))
	}
	return read(res.Body)
}

// overSSH asks by ssh, with the key of a file. The host's key must be known.
func (b Branches) overSSH(ctx context.Context, u *url.URL, read func(io.Reader) error) error {
	port := u.Port()
	if port == "" {
		port = "22"
	}
	host := net.JoinHostPort(u.Hostname(), port)
	config, err := b.sshConfig(u.User.Username(), host)
	if err != nil {
		return err
	}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", host)
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	c, channels, requests, err := ssh.NewClientConn(conn, host, config)
	if err != nil {
		return err
	}
	client := ssh.NewClient(c, channels, requests)
	defer client.Close()
	session, err := client.NewSession()
	if err != nil {
		return err
	}
	out, err := session.StdoutPipe()
	if err != nil {
		return err
	}
	if err := session.Start("git-upload-pack '" + strings.ReplaceAll(u.Path, "'", `'\''`) + "'"); err != nil {
		return err
	}
	return read(out)
}

// sshConfig reads the private key and the hosts' keys.
func (b Branches) sshConfig(user, host string) (*ssh.ClientConfig, error) {
	if user == "" {
		user = "git"
	}
	if b.Key == "" {
		return nil, errors.New("there is no private key")
	}
	pem, err := os.ReadFile(b.Key)
	if err != nil {
		return nil, fmt.Errorf("read the private key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(pem)
	if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked {
		return nil, fmt.Errorf("the private key in %s has a passphrase, which is not asked for", b.Key)
	}
	if err != nil {
		return nil, fmt.Errorf("read the private key in %s: it is none", b.Key)
	}
	if len(b.KnownHosts) == 0 {
		return nil, errors.New("there is no file of known hosts")
	}
	known, err := knownhosts.NewDB(b.KnownHosts...)
	if err != nil {
		return nil, fmt.Errorf("read the known hosts: %w", err)
	}
	return &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, Timeout: listTimeout,
		HostKeyCallback: known.HostKeyCallback(), HostKeyAlgorithms: known.HostKeyAlgorithms(host),
	}, nil
}
