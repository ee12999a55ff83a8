package builder

import (
	"cmp"
	"context"
	"strings"
	"sync"
	"time"

	"github.com/moby/buildkit/client"
	godigest "github.com/opencontainers/go-digest"
)

const (
	// glimpse is how many of the lines that come together the display shows: it has no
	// room for more, and keeps all that it is given.
	glimpse = 10
	// frame is how long lines are gathered for a picture.
	frame = 100 * time.Millisecond
)

// stage is something that is done for an image besides BuildKit's steps. It is told to the
// log, and shown as a step.
type stage struct {
	log  func(line string)
	show func(*client.SolveStatus)

	mu      sync.Mutex
	step    client.Vertex
	recent  []string // lines that haven't been shown
	pending *time.Timer
}

// shown returns what shows changes about an image.
func (w *work) shown(image string) func(*client.SolveStatus) {
	return func(change *client.SolveStatus) { w.display.show(image, change) }
}

// begin starts a stage: its step is one of the log's, its title is shown.
func (w *work) begin(image, step, title string) *stage {
	now := time.Now()
	s := &stage{
		log:  w.log.of(image, step),
		show: w.shown(image),
		step: client.Vertex{Digest: godigest.FromString(step + title), Name: clean(title), Started: &now},
	}
	s.update()
	return s
}

// update shows how the stage is, together with the lines that are new.
func (s *stage) update(progress ...*client.VertexStatus) {
	v := s.step
	s.show(&client.SolveStatus{Vertexes: []*client.Vertex{&v}, Statuses: progress, Logs: glimpseOf(v.Digest, s.recent)})
	s.recent = nil
}

// say tells a line.
func (s *stage) say(line string) {
	s.log(line)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recent = append(s.recent[max(0, len(s.recent)-glimpse+1):], clean(line))
	if s.pending == nil {
		s.pending = time.AfterFunc(frame, s.tick)
	}
}

// tick shows what was said since the last picture.
func (s *stage) tick() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending = nil; s.step.Completed == nil {
		s.update()
	}
}

// progress shows how much of a part of the stage is done.
func (s *stage) progress(part string, started time.Time, current, total int64, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	status := &client.VertexStatus{ID: clean(part), Vertex: s.step.Digest, Current: current, Total: total, Timestamp: now, Started: &started}
	if done {
		status.Completed = &now
	}
	s.update(status)
}

// end is told how the stage has ended. An error after the end of ctx only says how it came
// to its end.
func (s *stage) end(ctx context.Context, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	s.step.Completed = &now
	if err != nil {
		s.step.Error = cmp.Or(ctx.Err(), err).Error()
	}
	if s.pending != nil {
		s.pending.Stop()
	}
	s.update()
}

func glimpseOf(step godigest.Digest, lines []string) []*client.VertexLog {
	if len(lines) == 0 {
		return nil
	}
	return []*client.VertexLog{{Vertex: step, Data: []byte(strings.Join(lines, "\n") + "\n"), Timestamp: time.Now()}}
}
