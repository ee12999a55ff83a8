package engine

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// redeploys is how many redeploys the test makes under load. The soak test makes 20.
func redeploys() int {
	if os.Getenv("BEANSPROUT_SOAK") == "1" {
		return 20
	}
	return 4
}

func TestNoRequestFailsWhileGenerationsChange(t *testing.T) {
	e := newTestEngine(t, Config{})
	server := httptest.NewServer(e.Router(func(string) (string, bool) { return "e-abcdefghij", true }))
	defer server.Close()
	deploy := func(i int) {
		version := fmt.Sprintf("v%d", i)
		if err := e.Deploy(t.Context(), deploymentWith(t, version, web(nil))); err != nil {
			t.Fatal(err)
		}
	}
	deploy(0)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	var asked, failed atomic.Int64
	for i := range 16 {
		path := "/"
		if i%4 == 0 {
			path = "/slow"
		}
		clients.Go(func() {
			for ctx.Err() == nil {
				asked.Add(1)
				if err := ask16(server.Client(), server.URL+path); err != nil {
					failed.Add(1)
					t.Errorf("GET %s: %v", path, err)
				}
			}
		})
	}
	for i := range redeploys() {
		deploy(i + 1)
	}
	stop()
	clients.Wait()
	t.Logf("%d redeploys, %d requests, %d failed", redeploys(), asked.Load(), failed.Load())
	eventually(t, "only the last generation stays", func() bool { return len(things(t, e)) == 2 })
}

func ask16(client *http.Client, url string) error {
	request, err := http.NewRequest(http.MethodPost, url, strings.NewReader("a body, so that nothing may be repeated"))
	if err != nil {
		return err
	}
	request.Host = "shop.localhost"
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if text, err := io.ReadAll(response.Body); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %q %v", response.Status, text, err)
	}
	return nil
}

func TestUpgradedConnectionIsServedAndCutAfterTheDrain(t *testing.T) {
	t.Parallel()
	e := newTestEngine(t, Config{Drain: 500 * time.Millisecond})
	server := httptest.NewServer(e.Router(func(string) (string, bool) { return "e-abcdefghij", true }))
	defer server.Close()
	if err := e.Deploy(t.Context(), deploymentWith(t, "v1", web(nil))); err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET /echo HTTP/1.1\r\nHost: shop.localhost\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	lines := bufio.NewReader(conn)
	response, err := http.ReadResponse(lines, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("upgrade: %v %v", response, err)
	}
	talk := func() string {
		fmt.Fprintln(conn, "hello")
		line, err := lines.ReadString('\n')
		if err != nil {
			return err.Error()
		}
		return strings.TrimSpace(line)
	}
	if got := talk(); got != "v1 hello" {
		t.Errorf("got %q, want v1 hello", got)
	}
	if err := e.Deploy(t.Context(), deploymentWith(t, "v2", web(nil))); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	eventually(t, "the connection is cut", func() bool { return talk() != "v1 hello" })
	eventually(t, "the first generation goes", func() bool { return len(things(t, e)) == 2 })
}
