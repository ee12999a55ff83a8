// Command app is what the engine's tests deploy: a web server that tells about its container.
// Its first argument may make it misbehave.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	mode, value := "", ""
	if len(os.Args) > 1 {
		mode, value, _ = strings.Cut(os.Args[1], "=")
	}
	address := ":8080"
	switch mode {
	case "exit":
		fmt.Println("about to give up")
		fmt.Fprintln(os.Stderr, "cannot reach the \x1b[31mdatabase\x1b[0m")
		code, _ := strconv.Atoi(value)
		os.Exit(code)
	case "probe": // a health check of the application in the same container
		response, err := http.Get("http://127.0.0.1:8080/" + value)
		if err != nil || response.StatusCode >= 400 {
			fmt.Println("not well:", err)
			os.Exit(1)
		}
		os.Exit(0)
	case "flaky": // crashes that many times
		count, _ := os.ReadFile("/tmp/starts")
		os.WriteFile("/tmp/starts", append(count, 'x'), 0o600)
		if most, _ := strconv.Atoi(value); len(count) < most {
			fmt.Println("not yet")
			os.Exit(1)
		}
	case "alone": // two of them cannot have one volume
		lock, err := os.OpenFile(value, os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil || syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil {
			fmt.Println("the volume is in use", err)
			os.Exit(9)
		}
		defer lock.Close()
	case "saves": // writes its version to a file when it is to end
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		go func() {
			<-signals
			os.WriteFile(value, []byte(os.Getenv("VERSION")), 0o600)
			os.Exit(0)
		}()
	case "mute":
		time.Sleep(time.Hour)
	case "inward":
		address = "127.0.0.1:8080"
	case "late":
		wait, _ := time.ParseDuration(value)
		time.Sleep(wait)
	}
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		if mode == "status" {
			code, _ := strconv.Atoi(value)
			w.WriteHeader(code)
		}
		fmt.Fprintf(w, "version=%s path=%s host=%s for=%s proto=%s", os.Getenv("VERSION"), r.URL.Path, r.Host,
			r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
	})
	http.HandleFunc("/about", about)
	http.HandleFunc("/env", func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, os.Getenv(r.FormValue("name"))) })
	http.HandleFunc("/slow", func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(300 * time.Millisecond)
		io.WriteString(w, os.Getenv("VERSION"))
	})
	http.HandleFunc("/crash", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	http.HandleFunc("/read", func(w http.ResponseWriter, r *http.Request) {
		text, err := os.ReadFile(r.FormValue("file"))
		answer(w, string(text), err)
	})
	http.HandleFunc("/write", func(w http.ResponseWriter, r *http.Request) {
		answer(w, "written", os.WriteFile(r.FormValue("file"), []byte(r.FormValue("text")), 0o600))
	})
	http.HandleFunc("/peer", func(w http.ResponseWriter, r *http.Request) {
		response, err := http.Get("http://" + r.FormValue("host"))
		if err != nil {
			answer(w, "", err)
			return
		}
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		answer(w, string(text), err)
	})
	http.HandleFunc("/echo", echo)
	fmt.Println("listening on", address)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(http.Serve(listener, nil))
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
		return
	}
	io.WriteString(w, text)
}

func about(w http.ResponseWriter, r *http.Request) {
	dir, _ := os.Getwd()
	host, _ := os.Hostname()
	fmt.Fprintf(w, "args=%q uid=%d dir=%s hostname=%s", os.Args, os.Getuid(), dir, host)
}

// echo upgrades the connection and sends every line back.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, both, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	fmt.Fprint(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	both.Flush()
	for lines := bufio.NewScanner(both); lines.Scan(); both.Flush() {
		fmt.Fprintln(both, os.Getenv("VERSION"), lines.Text())
	}
}
