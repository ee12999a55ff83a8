// Package background runs the local cloud as a process of its own, which outlives its caller.
package background

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"beansprout/cmd/internal/terminal"
	"beansprout/localcloud"
)

// Log is the name of the local cloud's log in its directory.
const Log = "cloud.log"

// Start starts the local cloud in the background, in a session of its own and holding
// none of the caller's files, and returns when it answers. One that runs already is returned.
func Start(ctx context.Context, cloud localcloud.Config, more []string, talk *terminal.Progress) (localcloud.Running, error) {
	if running, err := localcloud.Status(cloud.Dir); err == nil {
		return running, nil
	}
	step := talk.Step("local cloud")
	running, err := spawn(ctx, cloud, more)
	if err != nil {
		step.Fail(err)
		return running, fmt.Errorf("start the local cloud: %w", err)
	}
	step.Done("started at " + running.Endpoint)
	return running, nil
}

func spawn(ctx context.Context, cloud localcloud.Config, more []string) (localcloud.Running, error) {
	var none localcloud.Running
	dir := cloud.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return none, err
	}
	if err := localcloud.Room(dir); err != nil {
		return none, err
	}
	log, err := os.OpenFile(filepath.Join(dir, Log), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return none, err
	}
	defer log.Close()
	start, err := log.Seek(0, 2)
	if err != nil {
		return none, err
	}
	self, err := os.Executable()
	if err != nil {
		return none, err
	}
	args := []string{"local", "serve", "--dir", dir, "--port", fmt.Sprint(cloud.Port), "--url-port", fmt.Sprint(cloud.URLPort)}
	cmd := exec.Command(self, append(args, more...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return none, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return await(ctx, dir, ended, func() string { return logSince(log.Name(), start) })
}

// await waits until the local cloud in dir answers. The process that was started may
// have lost a race against another one, which then is the one to wait for.
func await(ctx context.Context, dir string, ended <-chan error, output func() string) (localcloud.Running, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	var dead <-chan time.Time
	for {
		cloud, err := localcloud.Status(dir)
		if err == nil {
			return cloud, nil
		}
		select {
		case <-ended:
			ended = nil
			if !strings.Contains(output(), localcloud.ErrInUse.Error()) {
				return cloud, childError(output())
			}
			dead = time.After(10 * time.Second)
		case <-dead:
			return cloud, childError(output())
		case <-ctx.Done():
			return cloud, fmt.Errorf("%w; its log is %s", ctx.Err(), filepath.Join(dir, Log))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// logSince returns the end of the log that the process wrote from start on.
func logSince(path string, start int64) string {
	text, err := os.ReadFile(path)
	if err != nil || int64(len(text)) <= start {
		return "it ended without a word"
	}
	text = bytes.TrimSpace(text[start:])
	if i := bytes.LastIndex(text, []byte("error: ")); i >= 0 {
		text = text[i+len("error: "):]
	}
	return string(text)
}

// ChildError is what the process of the local cloud printed before it ended.
type ChildError struct {
	Message string
	Hints   string // "" where it had none
}

func (e *ChildError) Error() string { return e.Message }

func childError(output string) error {
	message, hints, _ := strings.Cut(output, "\nhint: ")
	return &ChildError{message, hints}
}

// Stop stops the local cloud in dir and returns when its process has ended.
func Stop(ctx context.Context, dir string) (stopped bool, err error) {
	cloud, err := localcloud.Status(dir)
	if errors.Is(err, localcloud.ErrStopped) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	process, err := os.FindProcess(cloud.PID)
	if err == nil {
		err = process.Signal(syscall.SIGTERM)
	}
	if err != nil {
		return false, fmt.Errorf("stop the local cloud, process %d: %w", cloud.PID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for process.Signal(syscall.Signal(0)) == nil {
		select {
		case <-ctx.Done():
			return false, fmt.Errorf("stop the local cloud, process %d: %w", cloud.PID, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true, nil
}
