package envs

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"beansprout/pattern"
)

// logPause is how long FollowLogs waits until it has the logs gathered again.
const logPause = 10 * time.Second

// FollowLogs hands the end of the environment's logs to show, and then what comes, until the environment
// has gone or show returns an error. While AWS changes the environment it gathers none.
func (m *Manager) FollowLogs(ctx context.Context, e Environment, show func(text string) error, o Options) error {
	var log tailed
	for waiting := false; ; {
		text, err := m.Logs(ctx, e)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, ErrNotFound):
			return nil
		case errors.Is(err, ErrNotReady), errors.Is(err, context.DeadlineExceeded):
			if !waiting {
				o.note("AWS gathers no logs now: waiting (%v)", err)
			}
			waiting = true
		case err != nil:
			return err
		default:
			waiting = false
			if news := log.add(text); news != "" {
				if err := show(news); err != nil {
					return err
				}
			}
		}
		if err := pause(ctx, logPause); err != nil {
			return err
		}
	}
}

// tailed is what the last tail of an environment's logs said. The zero value has seen none.
type tailed struct {
	files map[string][]string // the lines of each file, by what logHeads them
	shown string              // the head of the file that was shown last
}

// logHeads are the lines that head a file's tail: ours for an instance, the local cloud's, and
// AWS's, which stand between two lines of dashes.
var logHeads = pattern.New(`(?m)^(?:== \S+|==> .* <==|-{20,}\n.*\n-{20,})\n`)

// add takes the next tail in and returns what is new in it: the lines of each file behind
// those that the last tail ended with, or all of a file that was rotated.
func (t *tailed) add(text string) (news string) {
	files, instance := map[string][]string{}, ""
	var b strings.Builder
	for _, part := range logFiles(text) {
		name := instance + part.head
		if strings.HasPrefix(part.head, "== ") {
			instance, name = part.head, part.head
		}
		if added := newLines(t.files[name], part.lines); len(added) > 0 {
			if t.shown != name {
				b.WriteString(name)
				t.shown = name
			}
			b.WriteString(strings.Join(added, ""))
		}
		files[name] = append(files[name], part.lines...)
	}
	t.files = files
	return b.String()
}

// logFile is one file of a tail.
type logFile struct {
	head  string
	lines []string // with their ends
}

func logFiles(text string) []logFile {
	var all []logFile
	head, from := "", 0
	for _, at := range logHeads.FindAllStringIndex(text, -1) {
		all = append(all, logFile{head, slices.Collect(strings.Lines(text[from:at[0]]))})
		head, from = text[at[0]:at[1]], at[1]
	}
	return append(all, logFile{head, slices.Collect(strings.Lines(text[from:]))})
}

// newLines returns the lines of after that follow on the most lines with which before ends and
// after begins, all of after where they share none. The first line of a tail may have lost its
// beginning.
func newLines(before, after []string) []string {
	if len(after) == 0 {
		return after
	}
	rest := after[1:]
	for shared := min(len(rest), len(before)-1); shared >= 0; shared-- {
		last := len(before) - shared
		if strings.HasSuffix(before[last-1], after[0]) && slices.Equal(before[last:], rest[:shared]) {
			return rest[shared:]
		}
	}
	return after
}
