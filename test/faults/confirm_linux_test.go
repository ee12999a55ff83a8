package faults

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"beansprout/test/lab"
	"beansprout/test/must"
)

// newDue is a lab in which the days of the environment login are over.
func newDue(t *testing.T) *lab.Lab {
	t.Helper()
	l := lab.NewArtifact(t)
	l.Cloud.Advance(-6 * 24 * time.Hour)
	l.Must(l.Up()...)
	l.Cloud.Advance(6 * 24 * time.Hour)
	return l
}

// prompted runs the binary on a terminal, types the answer when it asks question, and returns what was shown.
func prompted(t *testing.T, l *lab.Lab, question, answer string, args ...string) (shown string, code int) {
	t.Helper()
	human, tty := openTerminal(t)
	cmd := l.Command(args)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	var screen display
	end := screen.watch(human, tty)
	must.Succeed(t, cmd.Start())
	defer time.AfterFunc(promptLimit, func() { _ = cmd.Process.Kill() }).Stop()
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	for open := true; open && question != "" && !strings.Contains(screen.String(), question); {
		select {
		case <-ended:
			open = false
		case <-time.After(10 * time.Millisecond):
		}
	}
	_, _ = human.WriteString(answer)
	<-ended
	end()
	return screen.String(), cmd.ProcessState.ExitCode()
}

func TestWhatRemovesAsksOnATerminal(t *testing.T) {
	for _, args := range [][]string{{"sweep", "--live"}, {"down", "--feature", "login"}} {
		t.Run(args[0], func(t *testing.T) {
			l := newDue(t)
			question := "remove environment " + l.Name("login")
			for _, no := range []string{"n\n", "\n", "yesterday\n", "\x04"} {
				before := len(l.Cloud.Calls())
				shown, code := prompted(t, l, "[y/N]", no, args...)
				if code != 2 || !strings.Contains(shown, question) || !strings.Contains(shown, "[y/N]") || !strings.Contains(shown, "it was not confirmed") || !strings.Contains(shown, "--yes") {
					t.Errorf("after %q: exit code %d: %s", no, code, shown)
				}
				for _, call := range l.Cloud.Calls()[before:] {
					if strings.HasPrefix(call.Action, "Terminate") || strings.HasPrefix(call.Action, "Delete") {
						t.Errorf("after %q it makes the call %s", no, call.Action)
					}
				}
			}
			if shown, code := prompted(t, l, "[y/N]", "Y\n", args...); code != 0 || strings.Contains(l.Must("list").Stdout, l.Name("login")) {
				t.Errorf("after a yes: exit code %d: %s", code, shown)
			}
		})
	}
}

func TestWhatIsConfirmedBeforeOrRemovesNothingDoesNotAsk(t *testing.T) {
	l := newDue(t)
	for _, args := range [][]string{{"sweep"}, {"down", "--dry-run", "--feature", "login"}, {"sweep", "--live", "--yes"}, {"sweep", "--live"}} {
		if shown, code := prompted(t, l, "", "", args...); code != 0 || strings.Contains(shown, "[y/N]") {
			t.Errorf("%v: exit code %d: %s", args, code, shown)
		}
	}
	if list := l.Must("list").Stdout; strings.Contains(list, l.Name("login")) {
		t.Errorf("it was not removed: %s", list)
	}
}
