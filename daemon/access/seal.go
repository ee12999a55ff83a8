package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

// The reasons why a form is not accepted.
var (
	ErrForged = errors.New("this form was made for something or someone else, or before the daemon was started again")
	ErrOld    = errors.New("this form is too old")
	ErrSpent  = errors.New("this form was sent before, and acts once")
	ErrFull   = errors.New("too many forms were sent")
)

const (
	formTime = sessionTime // how long a form may be sent
	maxSpent = 100_000     // forms that are remembered
	nonce    = 16          // bytes
)

var encoding = base64.RawURLEncoding.Strict()

// Seal returns the token of a form, which Spend accepts once, of the same person and for the same fields. It is
// "" where no person has sent the request.
func (g *Gate) Seal(r *http.Request, fields ...string) string {
	p, err := g.person(r)
	if err != nil {
		return ""
	}
	body := binary.BigEndian.AppendUint64(nil, uint64(g.now().Unix()))
	body = append(body, make([]byte, nonce)...)
	_, _ = rand.Read(body[8:]) // it never fails
	return encoding.EncodeToString(append(g.mac(p, body, fields), body...))
}

// Spend returns who has sent a form and a text that only this form has. The error is ErrForged, ErrOld,
// ErrSpent or ErrFull if the form may not act. With ErrSpent the name is known.
func (g *Gate) Spend(r *http.Request, token string, fields ...string) (name, form string, err error) {
	p, err := g.person(r)
	if err != nil {
		return "", "", err
	}
	sealed, err := encoding.DecodeString(token)
	if err != nil || len(sealed) != sha256.Size+8+nonce || encoding.EncodeToString(sealed) != token { // decoding ignores line ends
		return "", "", ErrForged
	}
	mac, body := sealed[:sha256.Size], sealed[sha256.Size:]
	if !hmac.Equal(mac, g.mac(p, body, fields)) {
		return "", "", ErrForged
	}
	now := g.now()
	if made := time.Unix(int64(binary.BigEndian.Uint64(body)), 0); now.Sub(made) > formTime {
		return "", "", ErrOld
	}
	return p.name, token, g.spent.add(token, now)
}

// mac seals the body of a token for a person and what the form says.
func (g *Gate) mac(p person, body []byte, fields []string) []byte {
	mac := hmac.New(sha256.New, g.key)
	fmt.Fprintf(mac, "%q %q %q", p.binding, body, fields) // quotes tell where each ends
	return mac.Sum(nil)
}

// spent are the forms that were sent.
type spent struct {
	mu  sync.Mutex
	all map[string]time.Time
}

// add refuses a form that was sent before.
func (s *spent) add(form string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, again := s.all[form]; again {
		return ErrSpent
	}
	if len(s.all) >= maxSpent {
		for old, at := range s.all {
			if now.Sub(at) > formTime {
				delete(s.all, old)
			}
		}
	}
	if len(s.all) >= maxSpent {
		return ErrFull
	}
	s.all[form] = now
	return nil
}
