package terminal

import (
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// ErrReaderLeft is reported when what a program prints is no longer read, as behind "| head -1".
var ErrReaderLeft = errors.New("what this prints is not read any more")

// OutliveReaders keeps a run from dying when what reads its standard error or output leaves: a
// deploy goes on, and records its outcome. Children still die of it, as they should: what is
// caught is set back for them, what is ignored would not be.
func OutliveReaders() { signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE) }

// Answers is standard output, which may lose its reader.
type Answers struct{ io.Writer }

func (a Answers) Write(p []byte) (int, error) {
	n, err := a.Writer.Write(p)
	if errors.Is(err, syscall.EPIPE) {
		err = ErrReaderLeft
	}
	return n, err
}

// Touched is a writer that knows whether something was written to it.
type Touched struct {
	io.Writer
	Written bool
}

func (t *Touched) Write(p []byte) (int, error) {
	t.Written = t.Written || len(p) > 0
	return t.Writer.Write(p)
}
