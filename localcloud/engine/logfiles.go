package engine

import (
	"archive/tar"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
)

// mostLogs limits how many bytes of a service's log folder are read.
const mostLogs = 64 << 20

// logFiles writes the last lines of each file that a container has in a log folder. On the instance
// they are in the folder of the same name.
func (e *Engine) logFiles(ctx context.Context, to io.Writer, id, folder, inside string, lines int) {
	ctx, cancel := context.WithTimeout(ctx, logsTimeout)
	defer cancel()
	stream, _, err := e.streams.CopyFromContainer(ctx, id, inside)
	if err != nil {
		e.Log.Warn("log folder not read", "container", id, "folder", inside, "error", err)
		return
	}
	defer stream.Close()
	for files := tar.NewReader(io.LimitReader(stream, mostLogs)); ; {
		header, err := files.Next()
		if err != nil {
			return // the end, or more than is read
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		b := lastBytes{limit: tailBytes}
		if _, err := io.Copy(&b, files); err != nil {
			return
		}
		_, below, _ := strings.Cut(header.Name, "/")
		fmt.Fprintf(to, "==> %s <==\n%s", oneLine(path.Join(folder, below), 200), lastLines(string(b.kept), lines))
	}
}

// lastLines returns the last n lines of a text, each with its line feed.
func lastLines(text string, n int) string {
	all := strings.SplitAfter(strings.ToValidUTF8(strings.TrimSuffix(text, "\n"), "?")+"\n", "\n")
	all = all[:len(all)-1]
	return strings.Join(all[max(0, len(all)-n):], "")
}
