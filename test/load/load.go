// Package load has clients that send requests while a test changes what answers them, and counts the
// answers.
package load

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Kind is clients that send the same request, one after the other. Every second one keeps its
// connection alive.
type Kind struct {
	Clients int
	URL     string
}

// pause is between two requests of a client.
const pause = 100 * time.Millisecond

// Clients are clients at work.
type Clients struct {
	cancel context.CancelFunc
	wait   sync.WaitGroup

	mu     sync.Mutex
	result Result
}

// Result is what clients were answered.
type Result struct {
	// Answers counts the answers. An answer with status 200 is counted by the first word of its body,
	// any other one by its status, and none by the error.
	Answers map[string]int
	// Latest has the time at which the latest request began that got the answer.
	Latest map[string]time.Time
}

// Start starts clients that connect with dial.
func Start(dial func(ctx context.Context, network, address string) (net.Conn, error), kinds ...Kind) *Clients {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Clients{cancel: cancel, result: Result{map[string]int{}, map[string]time.Time{}}}
	for _, k := range kinds {
		for i := range k.Clients {
			transport := &http.Transport{DialContext: dial, DisableKeepAlives: i%2 == 0}
			c.wait.Go(func() {
				defer transport.CloseIdleConnections()
				for ctx.Err() == nil {
					began := time.Now()
					c.note(began, get(transport, k.URL))
					time.Sleep(pause)
				}
			})
		}
	}
	return c
}

// get sends one request. It does not follow redirects and does not try again.
func get(transport http.RoundTripper, url string) string {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err.Error()
	case resp.StatusCode != http.StatusOK:
		return resp.Status
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(body)), " ")
	return first
}

func (c *Clients) note(began time.Time, answer string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.result.Answers[answer]++
	if began.After(c.result.Latest[answer]) {
		c.result.Latest[answer] = began
	}
}

// Stop waits for the open requests and returns what all were answered.
func (c *Clients) Stop() Result {
	c.cancel()
	c.wait.Wait()
	return c.result
}

// All returns how many requests were sent.
func (r Result) All() (n int) {
	for count := range maps.Values(r.Answers) {
		n += count
	}
	return n
}

// Failed returns how many requests got another answer than the given ones.
func (r Result) Failed(good ...string) (n int) {
	for answer, count := range r.Answers {
		if !slices.Contains(good, answer) {
			n += count
		}
	}
	return n
}
