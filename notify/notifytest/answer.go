package notifytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"time"
)

// Answer is a way to misbehave.
type Answer func(s *Server, w http.ResponseWriter, r *http.Request)

// Refuse answers as Slack refuses: status 200, and an error code.
func Refuse(code string) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) { refuse(w, code) }
}

// RateLimit answers status 429 and asks to wait.
func RateLimit(seconds int) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", fmt.Sprint(seconds))
		w.WriteHeader(http.StatusTooManyRequests)
	}
}

// Body answers status and body.
func Body(status int, body string) Answer {
	return func(_ *Server, w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
}

// Redirect sends the client elsewhere, with the request's body.
func Redirect(url string) Answer {
	return func(_ *Server, w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, url, http.StatusTemporaryRedirect)
	}
}

// Hang never answers.
func Hang() Answer {
	return func(s *Server, _ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-s.closed:
		}
	}
}

// HangUp closes the connection without an answer.
func HangUp() Answer {
	return func(*Server, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
}

// Slow answers after a while, as Slack does.
func Slow(after time.Duration) Answer {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // the body must be read before the connection can tell that the client has gone
		select {
		case <-time.After(after):
			s.act(w, r)
		case <-r.Context().Done():
		case <-s.closed:
		}
	}
}

// ActThen does what the request asks for, and answers otherwise: with HangUp the answer is lost.
func ActThen(a Answer) Answer {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		s.act(httptest.NewRecorder(), r)
		a(s, w, r)
	}
}

// Half does what the request asks for, and sends the first half of the answer.
func Half() Answer {
	return func(s *Server, w http.ResponseWriter, r *http.Request) {
		whole := httptest.NewRecorder()
		s.act(whole, r)
		body := whole.Body.Bytes()
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

func refuse(w http.ResponseWriter, code string) {
	write(w, map[string]any{"ok": false, "error": code})
}

func write(w http.ResponseWriter, answer any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_ = json.NewEncoder(w).Encode(answer)
}
