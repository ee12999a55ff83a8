// Command shop is a web, an API and a store of visits, depending on its argument.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// version is set by the linker.
var version = "development"

func main() {
	roles := map[string]http.HandlerFunc{"web": web, "api": api, "store": store("/data/visits")}
	role := os.Args[len(os.Args)-1]
	handler := roles[role]
	switch {
	case role == "check":
		if _, err := get("http://127.0.0.1:8080/health"); err != nil {
			log.Fatal(err)
		}
		return
	case handler == nil:
		log.Fatal("want web, api, store or check")
	}
	http.HandleFunc("/", handler)
	http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: 10 * time.Second}
	log.Printf("%s of version %s listens", role, version)
	go func() {
		<-ctx.Done()
		ending, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = server.Shutdown(ending)
	}()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
}

// web shows what the API knows.
func web(w http.ResponseWriter, r *http.Request) {
	visits, err := get(os.Getenv("API") + r.URL.Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprintf(w, "%s from version %s: %s visits\n", os.Getenv("GREETING"), version, visits)
}

// api asks the store.
func api(w http.ResponseWriter, r *http.Request) {
	visits, err := get(os.Getenv("STORE") + r.URL.Path)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	fmt.Fprint(w, visits)
}

// store counts the visits to /visit in a file.
func store(file string) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		text, _ := os.ReadFile(file)
		visits, _ := strconv.Atoi(string(text))
		if r.URL.Path == "/visit" {
			visits++
		}
		if err := os.WriteFile(file, []byte(strconv.Itoa(visits)), 0o600); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprint(w, visits)
	}
}

// get returns the body of a page.
func get(url string) (string, error) {
	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 1<<10))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", url, response.Status, body)
	}
	return string(body), err
}
