package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/urfave/cli/v2"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/service"
	"beansprout/daemon/access"
	"beansprout/files"
)

// boardFlags say who may look at the board and who may act on it.
func boardFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "board-tokens", EnvVars: []string{"BEANSPROUT_BOARD_TOKENS_FILE"},
			Usage: "let the people log in to the board that `FILE` lists, NAME:TOKEN a line; also those in BEANSPROUT_BOARD_TOKENS"},
		&cli.StringFlag{Name: "board-proxy-header", EnvVars: []string{"BEANSPROUT_BOARD_PROXY_HEADER"},
			Usage: "believe what the `HEADER` of a proxy says about who is logged in, such as X-Forwarded-User; needs --board-proxy"},
		&cli.StringSliceFlag{Name: "board-proxy", EnvVars: []string{"BEANSPROUT_BOARD_PROXY"},
			Usage: "the `ADDRESS` of the proxy, or its network, such as 10.0.0.0/24; may be repeated"},
		&cli.StringSliceFlag{Name: "board-host", EnvVars: []string{"BEANSPROUT_BOARD_HOST"},
			Usage: "answer for the `NAME` by which browsers reach the board through a proxy; may be repeated"},
	}
}

// readAccess returns who may look at the board and who may act on it. It refuses what would be wrong, or pointless.
func readAccess(c *cli.Context, connector *service.Connector) (access.Config, error) {
	a := access.Config{
		Metrics: connector.Secrets.Token("BEANSPROUT_METRICS_TOKEN"), Hosts: listed(c.StringSlice("board-host")),
		Proxy: access.Proxy{Header: c.String("board-proxy-header")},
	}
	var err error
	if a.People, err = readPeople(c, connector); err != nil {
		return a, err
	}
	for _, text := range listed(c.StringSlice("board-proxy")) {
		from, err := access.ParseAddresses(text)
		if err != nil {
			return a, failure.Usagef("--board-proxy: %w", err)
		}
		a.Proxy.From = append(a.Proxy.From, from)
	}
	if c.String("listen") == "" && (len(a.People) > 0 || len(a.Proxy.From) > 0 || a.Proxy.Header != "" || len(a.Hosts) > 0) {
		return a, failure.WithHint(failure.Usagef("it is said who may see the board, and nothing serves it"), "--listen 127.0.0.1:2328 does")
	}
	if err := a.Check(); err != nil {
		return a, accessError(err)
	}
	return a, nil
}

// listed returns the values of a flag, which a variable separates by commas.
func listed(values []string) []string {
	return strings.FieldsFunc(strings.Join(values, ","), func(r rune) bool { return r == ',' || r == ' ' })
}

// readPeople returns who may log in to the board. Their tokens are secrets from now on.
func readPeople(c *cli.Context, connector *service.Connector) ([]access.Person, error) {
	text, where := connector.Secrets.Token("BEANSPROUT_BOARD_TOKENS"), "BEANSPROUT_BOARD_TOKENS"
	people, err := access.ParsePeople(text)
	if file := c.String("board-tokens"); err == nil && file != "" {
		where = "--board-tokens " + file
		var content []byte
		if content, err = files.Read(c.Context, nil, file, files.Secret); err != nil {
			return nil, failure.Usagef("%s: %w", where, err)
		}
		var more []access.Person
		more, err = access.ParsePeople(string(content))
		people = append(people, more...)
	}
	for _, p := range people {
		connector.Secrets.Hear(p.Token)
	}
	if err != nil {
		return nil, failure.WithHint(failure.Usagef("%s: %w", where, err), "%s", tokensHint)
	}
	return people, nil
}

const tokensHint = "NAME:TOKEN for each person, separated by commas or line ends; openssl rand -hex 16 prints a token"

// accessError says what to do about a configuration of the board that can't be right.
func accessError(err error) error {
	hint := ""
	switch {
	case errors.Is(err, access.ErrPerson):
		hint = tokensHint
	case errors.Is(err, access.ErrNoProxy):
		hint = "--board-proxy names the address of the proxy; the header is believed from there alone"
	case errors.Is(err, access.ErrAnyone):
		hint = "--board-proxy takes the proxy's own address, such as 10.0.0.5, or a small network"
	case errors.Is(err, access.ErrHeader):
		hint = "--board-proxy-header takes a name, such as X-Forwarded-User"
	case errors.Is(err, access.ErrHost):
		hint = "--board-host takes a name without https:// and without a path, such as board.example.com"
	case errors.Is(err, access.ErrMetrics):
		hint = "BEANSPROUT_METRICS_TOKEN is what Prometheus sends as a bearer token; openssl rand -hex 16 prints one"
	}
	err = failure.Usagef("%w", err)
	if hint == "" {
		return err
	}
	return failure.WithHint(err, "%s", hint)
}

// guarded reports whether something tells people, or Slack, from others who reach the daemon.
func guarded(a access.Config, signingSecret string) bool {
	return len(a.People) > 0 || a.Proxy.Header != "" || signingSecret != ""
}

// invitation returns the address at which the browser of who has started a board is logged in.
func invitation(address fmt.Stringer, token string) string {
	return "http://" + address.String() + "/login?invitation=" + token
}
