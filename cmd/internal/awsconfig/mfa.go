package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// ErrNoTerminal is reported where the code of an MFA device is needed and there is no terminal to ask on.
var ErrNoTerminal = errors.New("there is no terminal to ask for it")

// asker asks for the codes of MFA devices on the terminal of the process, as the aws command
// does, whatever its standard input and outputs are.
type asker struct{ mu sync.Mutex }

// wait returns when no question is open, so that the process doesn't end while the terminal hides
// what is typed: the SDK doesn't wait for an answer once its context has ended.
func (a *asker) wait() {
	a.mu.Lock()
	defer a.mu.Unlock()
}

func (a *asker) ask(ctx context.Context, device string) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if ctx.Err() != nil { // the process may end before the terminal shows again what is typed
		return "", context.Cause(ctx)
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("the AWS profile needs the code of MFA device %s: %w", device, ErrNoTerminal)
	}
	defer tty.Close()
	code, err := readHidden(ctx, tty, fmt.Sprintf("Enter MFA code for %s: ", device))
	if err != nil {
		return "", fmt.Errorf("read the code of MFA device %s: %w", device, err)
	}
	if code = strings.TrimSpace(code); code == "" {
		return "", fmt.Errorf("no code of MFA device %s was entered", device)
	}
	return code, nil
}

// hidingTime is how long a terminal may take to begin to hide what is typed.
const hidingTime = 2 * time.Second

// readHidden reads a line without showing it. A terminal shows again what is typed when ctx ends.
func readHidden(ctx context.Context, tty *os.File, prompt string) (string, error) {
	terminal := int(tty.Fd())
	before, err := term.GetState(terminal)
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line, 1)
	go func() {
		text, err := term.ReadPassword(terminal)
		lines <- line{text, err}
	}()
	for deadline := time.Now().Add(hidingTime); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if now, err := term.GetState(terminal); err != nil || *now != *before {
			break
		}
	}
	fmt.Fprint(tty, prompt)
	defer fmt.Fprintln(tty)
	select {
	case l := <-lines:
		return string(l.text), l.err
	case <-ctx.Done():
		return "", errors.Join(context.Cause(ctx), term.Restore(terminal, before))
	}
}
