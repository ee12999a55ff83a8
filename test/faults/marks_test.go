package faults

import (
	"crypto/rand"
	"encoding/base64"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"beansprout/test/must"
)

// marks are secret values by what they are. Nothing of them may be told anywhere.
type marks map[string]string

// mark makes a secret value.
func (m marks) mark(what string) string {
	m[what] = "mk" + rand.Text()
	return m[what]
}

// pieceLength is how much of a secret is found, also where a text was cut. Less may be chance.
const pieceLength = 12

// pieces are the texts by which a secret is recognized: parts of it, and of its base64.
func pieces(secret string) (all []string) {
	texts := []string{secret}
	for skip := range 3 {
		inner := secret[skip : skip+(len(secret)-skip)/3*3]
		texts = append(texts, base64.RawStdEncoding.EncodeToString([]byte(inner)))
	}
	for _, text := range texts {
		for text = strings.TrimSpace(text); len(text) >= pieceLength; text = text[pieceLength/2:] {
			all = append(all, text[:pieceLength])
		}
	}
	return all
}

// found returns which of the secrets a text tells.
func (m marks) found(text string) (secrets []string) {
	for what, secret := range m {
		if slices.ContainsFunc(pieces(secret), func(piece string) bool { return strings.Contains(text, piece) }) {
			secrets = append(secrets, what)
		}
	}
	slices.Sort(secrets)
	return secrets
}

// wantNone fails the test where a text tells a secret.
func (m marks) wantNone(t testing.TB, where, text string) {
	t.Helper()
	if secrets := m.found(text); len(secrets) > 0 {
		t.Errorf("%s: it tells %q:\n%s", where, secrets, text)
	}
}

// wantNoneBelow fails the test where a file below a directory tells a secret, unless it is skipped.
func (m marks) wantNoneBelow(t testing.TB, dir string, skip ...string) {
	t.Helper()
	must.Succeed(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case slices.Contains(skip, path) && entry.IsDir():
			return filepath.SkipDir
		case slices.Contains(skip, path), !entry.Type().IsRegular():
			return nil
		}
		text, err := os.ReadFile(path)
		if secrets := m.found(string(text)); len(secrets) > 0 {
			t.Errorf("%s: it tells %q", path, secrets)
		}
		return err
	}))
}

func TestASecretIsRecognized(t *testing.T) {
	m := marks{}
	secret := m.mark("one")
	m.mark("another")
	for name, text := range map[string]string{
		"whole": secret, "cut": "x" + secret[:20], "base64": base64.StdEncoding.EncodeToString([]byte("AWS:" + secret)),
	} {
		if got := m.found(text); !slices.Equal(got, []string{"one"}) {
			t.Errorf("%s: found %q", name, got)
		}
	}
	if got := m.found("nothing of " + secret[:8]); len(got) > 0 {
		t.Errorf("found %q", got)
	}
}
