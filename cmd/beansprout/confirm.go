package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"beansprout/cmd/internal/failure"
	"beansprout/cmd/internal/terminal"
)

func yesFlag() cli.Flag {
	return &cli.BoolFlag{Name: "yes", Usage: "do not ask for confirmation"}
}

// asks reports whether confirm asks.
func asks(c *cli.Context) bool {
	return !c.Bool("yes") && term.IsTerminal(int(os.Stdin.Fd())) && term.IsTerminal(int(os.Stderr.Fd()))
}

// confirm asks on the terminal whether to do the deed, and returns an error unless the user agrees. It
// does not ask with --yes, without a terminal, or where there is no deed.
func confirm(c *cli.Context, deed string) error {
	if deed == "" || !asks(c) {
		return nil
	}
	fmt.Fprintf(os.Stderr, "%s? [y/N] ", terminal.Sanitize(deed))
	answer := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(os.Stdin).ReadString('\n')
		answer <- line
	}()
	select {
	case <-c.Context.Done():
		return c.Context.Err()
	case line := <-answer:
		switch strings.ToLower(strings.TrimSpace(line)) {
		case "y", "yes":
			return nil
		}
	}
	return failure.WithHint(failure.Usagef("nothing was done: it was not confirmed"), "answer y, or say --yes")
}
