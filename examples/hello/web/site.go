package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"log"
	"net/http"
)

//go:embed page.html
var page string

//go:embed style.css
var style string

// site is what one environment shows. All but client comes from Dockerrun.template.json.
type site struct {
	feature, commit, url string
	backend              string // URL
	client               *http.Client
}

func (s site) handler() http.Handler {
	front := template.Must(template.New("page").Parse(page))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { s.front(w, r, front) })
	mux.HandleFunc("GET /healthz", s.health)
	mux.HandleFunc("GET /style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		io.WriteString(w, style)
	})
	return mux
}

func (s site) front(w http.ResponseWriter, r *http.Request, front *template.Template) {
	answer, err := s.ask(r)
	status := http.StatusOK
	if err != nil {
		log.Print(err)
		answer, status = "no answer", http.StatusBadGateway
	}
	var b bytes.Buffer
	view := map[string]string{"Feature": s.feature, "Commit": s.commit, "URL": s.url, "Answer": answer}
	if err := front.Execute(&b, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	b.WriteTo(w)
}

// health is well when the whole application is: the front, and the backend behind it.
func (s site) health(w http.ResponseWriter, r *http.Request) {
	if _, err := s.ask(r); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// ask returns what the backend says.
func (s site) ask(r *http.Request) (string, error) {
	request, err := http.NewRequestWithContext(r.Context(), http.MethodGet, s.backend, nil)
	if err != nil {
		return "", fmt.Errorf("ask the backend: %w", err)
	}
	response, err := s.client.Do(request)
	if err != nil {
		return "", fmt.Errorf("ask the backend: %w", err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s", response.Status)
	}
	if err != nil {
		return "", fmt.Errorf("ask the backend: %w", err)
	}
	return string(answer), nil
}
