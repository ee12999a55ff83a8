package daemon

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/slack-go/slack"
)

const (
	// maxBody is the size of the largest request of Slack's that is read. It quotes the message whose
	// button was pressed.
	maxBody = 1 << 20
	// replayWindow is how long a request of Slack's is remembered: its date may be five minutes away
	// from our clock in both directions.
	replayWindow = 11 * time.Minute
	// maxRemembered is how many are remembered. Only what Slack has signed is.
	maxRemembered = 100_000
)

// webhook takes presses by HTTP. It accepts what Slack has signed in the last five minutes, once.
type webhook struct {
	secret string
	accept func(slack.InteractionCallback) bool // reports whether it will be handled

	mu   sync.Mutex
	seen map[[sha256.Size]byte]time.Time
}

func newWebhook(secret string, accept func(slack.InteractionCallback) bool) *webhook {
	return &webhook{secret: secret, accept: accept, seen: map[[sha256.Size]byte]time.Time{}}
}

// ServeHTTP implements http.Handler. It answers before anything is done: Slack waits three seconds.
func (h *webhook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		http.Error(w, "the request is too long", http.StatusRequestEntityTooLarge)
		return
	}
	if err != nil {
		http.Error(w, "the request could not be read", http.StatusBadRequest)
		return
	}
	if err := h.verify(r.Header, body); err != nil {
		http.Error(w, "this is no request of Slack's: "+err.Error(), http.StatusUnauthorized)
		return
	}
	callback, err := parseCallback(body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if !h.accept(callback) {
		http.Error(w, "too many presses are waiting", http.StatusServiceUnavailable)
	}
}

// The reasons why a request is not taken for one of Slack's.
var (
	errSignature = errors.New("the signature is wrong")
	errDate      = errors.New("its date is more than five minutes away")
	errReplayed  = errors.New("it was here before")
	errFull      = errors.New("too many requests")
)

// verify refuses a request unless Slack has signed it in the last five minutes and it was not here
// before.
func (h *webhook) verify(header http.Header, body []byte) error {
	v, err := slack.NewSecretsVerifier(header, h.secret)
	if errors.Is(err, slack.ErrExpiredTimestamp) {
		return errDate
	}
	if err != nil {
		return errSignature
	}
	_, _ = v.Write(body)
	if v.Ensure() != nil {
		return errSignature
	}
	date := header.Get("X-Slack-Request-Timestamp")
	return h.remember(sha256.Sum256(fmt.Appendf(nil, "%s:%s", date, body)), time.Now())
}

// remember refuses a request that was here before.
func (h *webhook) remember(request [sha256.Size]byte, now time.Time) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, again := h.seen[request]; again {
		return errReplayed
	}
	for old, at := range h.seen {
		if now.Sub(at) > replayWindow {
			delete(h.seen, old)
		}
	}
	if len(h.seen) >= maxRemembered {
		return errFull
	}
	h.seen[request] = now
	return nil
}

// parseCallback reads what a signed request says.
func parseCallback(body []byte) (c slack.InteractionCallback, err error) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form["payload"]) != 1 {
		return c, errors.New("the request has no payload")
	}
	if err := json.Unmarshal([]byte(form.Get("payload")), &c); err != nil {
		return c, errors.New("the payload can't be read")
	}
	return c, nil
}
