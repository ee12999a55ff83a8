// Command backend answers the front with one line.
package main

import (
	"fmt"
	"log"
	"net/http"
	"os"

	"hello/server"
)

func main() {
	host, err := os.Hostname()
	if err != nil {
		log.Fatal(err)
	}
	log.Print("listening on :8081")
	err = server.Run(":8081", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "hello from container %s", host)
	}))
	if err != nil {
		log.Fatal(err)
	}
}
