// Package mask replaces secrets in text with ***, in all forms in which programs write them.
package mask

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"beansprout/pattern"
)

// maxWordBytes is the longest text that is searched for. Longer secrets are searched in pieces.
const maxWordBytes = 1024

// Mask hides secrets. The zero value hides only the credentials in URLs.
type Mask struct {
	words    []string // the longest first
	replacer *strings.Replacer
}

// With returns a mask that hides the given secrets, too. It hides each line of a secret, because
// programs print lines one at a time, but not a line shorter than least bytes, which other text
// may contain. It also hides lines as they are in URLs and in JSON, and secrets in base64.
func (m Mask) With(least int, secrets ...string) Mask {
	words := slices.Clone(m.words)
	for _, secret := range secrets {
		for line := range strings.Lines(secret) {
			words = append(words, forms(strings.TrimSpace(line), least)...)
			if parts := strings.Split(line, `\n`); len(parts) > 1 { // a private key on one line
				for _, part := range parts {
					words = append(words, forms(strings.TrimSpace(part), least)...)
				}
			}
		}
		if secret = strings.TrimSpace(secret); len(secret) >= least {
			words = append(words, encoded(secret)...)
		}
	}
	slices.SortFunc(words, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	words = slices.Compact(words)
	var pairs []string
	for _, w := range words {
		pairs = append(pairs, w, "***")
	}
	return Mask{words, strings.NewReplacer(pairs...)}
}

// Longest returns the number of bytes of the longest text that is searched for.
func (m Mask) Longest() int {
	if len(m.words) == 0 {
		return 0
	}
	return len(m.words[0])
}

// urlLogin matches the name and password in a URL.
var urlLogin = pattern.New(`://[^/?#\s"'<>:@]*:[^/?#\s"'<>]+@`)

// Hide returns the text without the secrets, and without the credentials in URLs.
func (m Mask) Hide(text string) string {
	if m.replacer != nil {
		text = m.replacer.Replace(text)
	}
	if strings.Contains(text, "://") {
		text = urlLogin.ReplaceAllString(text, "://***@")
	}
	return text
}

// forms returns a line as it is in text, in URLs and in JSON.
func forms(line string, least int) (words []string) {
	if len(line) < least {
		return nil
	}
	inURL := url.QueryEscape(line)
	for _, word := range []string{line, inURL, strings.ReplaceAll(inURL, "%2F", "/"), url.PathEscape(line), inJSON(line, true), inJSON(line, false)} {
		for len(word) > maxWordBytes {
			words, word = append(words, word[:maxWordBytes]), word[maxWordBytes:]
		}
		if len(word) >= least {
			words = append(words, word)
		}
	}
	return words
}

func inJSON(line string, escapeHTML bool) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(escapeHTML)
	_ = encoder.Encode(line)
	return b.String()[1 : b.Len()-len("\"\n")]
}

// minEncodedChars is the shortest base64 text that is hidden. Other text may contain a shorter one.
const minEncodedChars = 8

// encoded returns the base64 text of a secret that is the same wherever in the encoded bytes the
// secret begins: that of the groups of three bytes inside it. Programs also wrap base64.
func encoded(secret string) (words []string) {
	for skip := range min(3, len(secret)) {
		whole := []byte(secret[skip : skip+(len(secret)-skip)/3*3])
		for _, alphabet := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding} {
			word := alphabet.EncodeToString(whole)
			for _, width := range []int{maxWordBytes, 76, 64} {
				words = append(words, chunks(word, width)...)
			}
		}
	}
	return words
}

func chunks(word string, width int) (all []string) {
	for ; len(word) > width; word = word[width:] {
		all = append(all, word[:width])
	}
	if len(word) >= minEncodedChars {
		all = append(all, word)
	}
	return all
}

// MinSecret is the number of bytes of the shortest secret in a variable. A shorter value is a
// default or a common word.
const MinSecret = 6

var (
	// secretName matches the names of variables with a secret.
	secretName = pattern.New(`(?i)TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PASSCODE|CREDENTIAL|API_?KEY|PRIVATE_?KEY|AUTHORIZATION|` +
		`_KEY\d*$|(^|_|SSH|DB)PASS\d*$|_(PWD|PW|PAT)\d*$|_AUTH(_CONFIG)?$`)
	// pathName matches the names of variables with a path.
	pathName = pattern.New(`(?i)_(FILE|PATH|DIR|SOCK)$`)
	// userinfo matches a URL up to the host, with its userinfo.
	userinfo = pattern.New(`([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\s"'<>]+)@`)
)

// Variables returns the secrets in variables of the form NAME=VALUE: the values of those with the
// name of a secret, and the passwords in URLs in any value.
func Variables(environ []string) (secrets []string) {
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		secrets = append(secrets, Variable(name, value)...)
	}
	return secrets
}

// Variable returns the secrets in one variable.
func Variable(name, value string) (secrets []string) {
	if secretName.MatchString(name) && !(pathName.MatchString(name) && filepath.IsAbs(value)) {
		secrets = append(secrets, value)
	}
	if strings.Contains(value, "://") { // few have one, and each start of the program looks at all variables
		for _, found := range userinfo.FindAllStringSubmatch(value, -1) {
			secrets = append(secrets, passwords(found[1], found[2])...)
		}
	}
	return secrets
}

// passwords returns the secrets in the userinfo of a URL. With an HTTP scheme a name without a
// password is a token; so is the name with the password "x-oauth-basic".
func passwords(scheme, userinfo string) []string {
	name, password, ok := strings.Cut(userinfo, ":")
	isHTTP := strings.HasPrefix(strings.ToLower(scheme), "http")
	secret := password
	switch {
	case !ok && isHTTP, password == "x-oauth-basic":
		secret = name
	case !ok:
		return nil
	}
	if plain, err := url.PathUnescape(secret); err == nil && plain != secret {
		return []string{secret, plain}
	}
	return []string{secret}
}
