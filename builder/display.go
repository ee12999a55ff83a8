package builder

import (
	"context"
	"os"
	"strings"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	godigest "github.com/opencontainers/go-digest"
	"golang.org/x/text/width"
)

// display is BuildKit's own. It shows all images of one Build on a terminal that is lent to it
// from when there is something to see. A nil display shows nothing.
type display struct {
	lend    func() (terminal *os.File, giveBack func())
	several bool // images, whose names then stand with their steps
	ctx     context.Context
	once    sync.Once
	changes chan *client.SolveStatus // nil when the terminal won't do
	done    chan struct{}
}

func newDisplay(ctx context.Context, lend func() (*os.File, func()), images int) *display {
	if lend == nil {
		return nil
	}
	return &display{lend: lend, several: images > 1, ctx: context.WithoutCancel(ctx)}
}

func (d *display) open() {
	terminal, giveBack := d.lend()
	drawing, err := progressui.NewDisplay(terminal, progressui.TtyMode)
	if err != nil {
		giveBack()
		return
	}
	d.changes, d.done = make(chan *client.SolveStatus), make(chan struct{})
	go func() {
		defer close(d.done)
		defer giveBack()
		_, _ = drawing.UpdateFrom(d.ctx, d.changes)
	}()
}

// close draws the last picture and returns the terminal.
func (d *display) close() {
	if d == nil {
		return
	}
	d.once.Do(func() {}) // from now on nothing opens it
	if d.changes != nil {
		close(d.changes)
		<-d.done
	}
}

// show draws what has changed about an image. BuildKit names the same step of two images
// alike, so the image becomes a part of the name. A failed step is shown as that without its
// error: with it the display would repeat all that the step has printed.
func (d *display) show(image string, change *client.SolveStatus) {
	if d == nil {
		return
	}
	key := func(step godigest.Digest) godigest.Digest { return godigest.FromString(image + "\x00" + string(step)) }
	for _, v := range change.Vertexes {
		v.Digest, v.Inputs, v.ProgressGroup = key(v.Digest), nil, nil
		if d.several {
			v.Name = withImage(image, v.Name)
		}
		if v.Error != "" && !cancelled(v.Error) {
			v.Name, v.Error = "ERROR "+v.Name, ""
		}
		v.Name = evened(v.Name)
	}
	for _, s := range change.Statuses {
		s.Vertex = key(s.Vertex)
	}
	for _, l := range change.Logs {
		l.Vertex, l.Data = key(l.Vertex), []byte(evened(string(l.Data)))
	}
	if d.once.Do(d.open); d.changes != nil {
		d.changes <- change
	}
}

// withImage puts the image's name into that of a step: "[web 2/5] RUN make".
func withImage(image, step string) string {
	if rest, ok := strings.CutPrefix(step, "["); ok {
		return "[" + image + " " + rest
	}
	return "[" + image + "] " + step
}

func cancelled(err string) bool { return strings.HasSuffix(err, context.Canceled.Error()) }

// evened returns text with as many characters as it has columns on a terminal. BuildKit takes
// the one for the other, and its lines would wrap: a character as wide as two, such as those of
// Korean, is followed by one without a width.
func evened(text string) string {
	if !strings.ContainsFunc(text, wide) {
		return text
	}
	var b strings.Builder
	for _, r := range text {
		b.WriteRune(r)
		if wide(r) {
			b.WriteRune('\u200b')
		}
	}
	return b.String()
}

func wide(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return kind == width.EastAsianWide || kind == width.EastAsianFullwidth
}
