package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"
)

func openCommand() *cli.Command {
	return verb(cli.Command{
		Name:      "open",
		Usage:     "print a feature's URL, and open it in a browser where there is one",
		ArgsUsage: "[FEATURE]",
		Flags:     []cli.Flag{featureFlag(), configFlag(), jsonFlag(), timeoutFlag(asking)},
		Action:    browse,
	})
}

func browse(c *cli.Context) error {
	s, m, err := openEnvironment(c)
	if err != nil {
		return err
	}
	defer s.talk.close()
	url := m.URL()
	if url == "" {
		return hint(environmentError(m.Env, fmt.Errorf("it is %s and has no URL yet", m.State)), "beansprout events --follow shows how far it is")
	}
	if command := browser(runtime.GOOS, os.Getenv, url); command != nil {
		if err := detach(command); err != nil {
			s.talk.say("warning: open a browser: %v", err)
		}
	}
	return printURL(c.App.Writer, m, c.Bool("json"))
}

func printURL(w io.Writer, m member, asJSON bool) error {
	if asJSON {
		return printJSON(w, map[string]string{"feature": m.Feature, "name": m.Name, "url": m.URL()})
	}
	_, err := fmt.Fprintln(w, m.URL())
	return err
}

// browser returns the command that shows a URL, nil where there is no screen to show it on.
// $BROWSER is the first of those that it lists, with the URL in place of %s or at its end;
// none of it goes through a shell.
func browser(system string, getenv func(string) string, url string) []string {
	first, _, _ := strings.Cut(getenv("BROWSER"), ":")
	if command := strings.Fields(first); len(command) > 0 {
		for i, word := range command {
			command[i] = strings.ReplaceAll(word, "%s", url)
		}
		if strings.Contains(first, "%s") {
			return command
		}
		return append(command, url)
	}
	switch {
	case system == "darwin":
		return []string{"open", url}
	case getenv("DISPLAY") != "" || getenv("WAYLAND_DISPLAY") != "":
		return []string{"xdg-open", url}
	}
	return nil
}

// detach starts a command that outlives this program and holds none of its files.
func detach(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
