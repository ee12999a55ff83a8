package main

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

	"beansprout/localcloud"
)

// startLocal starts the local cloud in the background, in a session of its own and holding
// none of the caller's files, and returns when it answers. One that runs already is returned.
func startLocal(ctx context.Context, o localOptions, talk *progress) (localcloud.Running, error) {
	if cloud, err := localcloud.Status(o.cloud.Dir); err == nil {
		return cloud, nil
	}
	step := talk.step("local cloud")
	cloud, err := spawnLocal(ctx, o)
	if err != nil {
		step.fail(err)
		return cloud, fmt.Errorf("start the local cloud: %w", err)
	}
	step.done("started at " + cloud.Endpoint)
	return cloud, nil
}

func spawnLocal(ctx context.Context, o localOptions) (localcloud.Running, error) {
	var none localcloud.Running
	dir := o.cloud.Dir
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return none, err
	}
	log, err := os.OpenFile(filepath.Join(dir, localLog), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
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
	args := []string{"local", "serve", "--dir", dir, "--port", fmt.Sprint(o.cloud.Port), "--url-port", fmt.Sprint(o.cloud.URLPort)}
	cmd := exec.Command(self, append(args, o.args...)...)
	cmd.Dir = dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return none, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return awaitLocal(ctx, dir, ended, func() string { return logSince(log.Name(), start) })
}

// awaitLocal waits until the local cloud in dir answers. The process that was started may
// have lost a race against another one, which then is the one to wait for.
func awaitLocal(ctx context.Context, dir string, ended <-chan error, output func() string) (localcloud.Running, error) {
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
			return cloud, fmt.Errorf("%w; its log is %s", ctx.Err(), filepath.Join(dir, localLog))
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// logSince returns what the process that just ended had to say.
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

// childError is the error that a process of ours printed, hints and all.
func childError(output string) error {
	message, hints, _ := strings.Cut(output, "\nhint: ")
	err := errors.New(message)
	if hints == "" {
		return err
	}
	return hint(err, "%s", hints)
}

// stopLocal stops the local cloud in dir and returns when its process has ended.
func stopLocal(ctx context.Context, dir string) (stopped bool, err error) {
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

func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
