package lab

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// FreePorts returns n ports of 127.0.0.1 on which nothing listens.
func FreePorts(n int) ([]string, error) {
	var ports []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	}
	return ports, nil
}

// visitor reaches the environments of local clouds, whose names end in .localhost and are known
// to no resolver.
var visitor = &http.Client{
	Timeout: time.Minute,
	Transport: &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			if isLocalhost(r.URL.Hostname()) {
				return nil, nil
			}
			return http.ProxyFromEnvironment(r)
		},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, port, err := net.SplitHostPort(address); err == nil && isLocalhost(host) {
				address = net.JoinHostPort("127.0.0.1", port)
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func isLocalhost(host string) bool { return strings.HasSuffix(host, ".localhost") }

// Visit returns the page at an environment's URL. Any answer but 200 is an error, and so is none
// within a minute; the page comes along.
func Visit(address string) (string, error) {
	resp, err := visitor.Get(address)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s", address, resp.Status)
	}
	return string(page), err
}
