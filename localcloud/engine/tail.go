package engine

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/pkg/stdcopy"
)

const (
	tailLines   = 100
	tailBytes   = 64 << 10 // of one container
	logsTimeout = 10 * time.Second
)

// Tail returns the last lines of each container of the environment's newest generation; lines <= 0
// means 100. If the last deployment failed, failed holds up to 100 lines of each of its containers.
// Both are empty if there is nothing.
func (e *Engine) Tail(ctx context.Context, id string, lines int) (running, failed string, err error) {
	if err := checkID(id); err != nil {
		return "", "", err
	}
	ctx, leave, err := e.enter(ctx)
	if err != nil {
		return "", "", err
	}
	defer leave()
	if lines <= 0 {
		lines = tailLines
	}
	if running, err = e.tail(ctx, id, lines, e.serving(id)); err != nil {
		return "", "", fmt.Errorf("tail the logs of %s: %w", id, err)
	}
	if text, err := os.ReadFile(e.failedFile(id)); err == nil {
		failed = "==> the last deployment, which failed <==\n" + string(text)
	}
	return running, failed, nil
}

// serving returns a function that selects the containers of the generation that serves, or else of
// the newest one.
func (e *Engine) serving(id string) func([]container.Summary) []container.Summary {
	return func(list []container.Summary) []container.Summary {
		now, _ := e.site(id).current()
		if now == "" && len(list) > 0 {
			now = list[0].Labels[labelGeneration] // the engine lists the newest first
		}
		return slices.DeleteFunc(list, func(c container.Summary) bool { return !slices.Contains(e.generations(c), now) })
	}
}

// tail reads the logs of selected containers of an environment, in the order in which they were made.
func (e *Engine) tail(ctx context.Context, id string, lines int, selected func([]container.Summary) []container.Summary) (string, error) {
	list, err := e.docker.ContainerList(ctx, container.ListOptions{All: true, Filters: e.mine(labelEnvironment, id)})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, c := range slices.Backward(selected(list)) {
		text, err := e.logs(ctx, c.ID, lines)
		if err != nil && !errdefs.IsNotFound(err) {
			return "", err
		}
		fmt.Fprintf(&b, "==> %s <==\n%s", c.Labels[labelContainer], text)
		for line := range strings.Lines(c.Labels[labelLogs]) {
			if folder, path, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":"); ok {
				e.logFiles(ctx, &b, c.ID, folder, path, lines)
			}
		}
	}
	return b.String(), nil
}

// logs returns the last lines of a container, stdout and stderr in their order.
func (e *Engine) logs(ctx context.Context, name string, lines int) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, logsTimeout)
	defer cancel()
	stream, err := e.streams.ContainerLogs(ctx, name, container.LogsOptions{ShowStdout: true, ShowStderr: true, Tail: strconv.Itoa(lines)})
	if err != nil {
		return "", err
	}
	defer stream.Close()
	b := lastBytes{limit: tailBytes}
	if _, err := stdcopy.StdCopy(&b, &b, stream); err != nil {
		return "", fmt.Errorf("read the log of %s: %w", name, err)
	}
	text := strings.ToValidUTF8(string(b.kept), "?")
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text, nil
}

// keepLogs saves the logs of a failed generation before its containers are removed.
func (e *Engine) keepLogs(ctx context.Context, g *generation) {
	text, err := e.tail(ctx, g.Environment, tailLines, func(list []container.Summary) []container.Summary {
		return slices.DeleteFunc(list, func(c container.Summary) bool { return c.Labels[labelGeneration] != g.id })
	})
	if err == nil && text != "" {
		err = writeFile(e.failedFile(g.Environment), text)
	}
	if err != nil {
		e.Log.Warn("logs not kept", "environment", g.Environment, "generation", g.id, "error", err)
	}
}

// writeFile replaces a file atomically, so that a kill leaves no half of one.
func writeFile(name, text string) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(name+".part", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

func (e *Engine) forgetFailure(id string) error {
	if err := os.Remove(e.failedFile(id)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (e *Engine) failedFile(id string) string {
	return filepath.Join(e.environmentDir(id), "failed.log")
}

func (e *Engine) environmentDir(id string) string { return filepath.Join(e.Dir, id) }

func (e *Engine) bundleDir(id, generation string) string {
	return filepath.Join(e.environmentDir(id), generation)
}
