// Command web is the front of the example: a page that says which feature it shows, at which
// commit, under which URL, and what the backend answers.
package main

import (
	"log"
	"net/http"
	"os"
	"time"

	"hello/server"
)

func main() {
	s := site{
		feature: os.Getenv("FEATURE"),
		commit:  os.Getenv("COMMIT"),
		url:     os.Getenv("URL"),
		backend: os.Getenv("BACKEND"),
		client:  &http.Client{Timeout: 2 * time.Second},
	}
	log.Print("listening on :8080")
	if err := server.Run(":8080", s.handler()); err != nil {
		log.Fatal(err)
	}
}
