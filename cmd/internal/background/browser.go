package background

import (
	"os/exec"
	"strings"
	"syscall"
)

// Browser returns the command that shows a URL, nil where there is no screen to show it on.
// $BROWSER is the first of those that it lists, with the URL in place of %s or at its end;
// none of it goes through a shell.
func Browser(system string, getenv func(string) string, url string) []string {
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

// Detach starts a command that outlives this program and holds none of its files.
func Detach(command []string) error {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	return cmd.Process.Release()
}
