package builder

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	godigest "github.com/opencontainers/go-digest"
	"google.golang.org/protobuf/proto"
)

// trace turns what BuildKit tells about its steps into lines, and remembers which failed.
type trace struct {
	log   func(line string)
	show  func(*client.SolveStatus)
	mask  mask
	steps map[string]*step // by digest
	fault *step
}

// step is a vertex of the build graph: most are a line of the Dockerfile.
type step struct {
	name    string
	err     string
	started bool
	done    bool
	out     *lines
	recent  []string // lines that haven't been shown
}

func newTrace(log func(string), show func(*client.SolveStatus), hidden mask) *trace {
	return &trace{log: log, show: show, mask: hidden, steps: map[string]*step{}}
}

// decodeTrace reads the aux of a message "moby.buildkit.trace": a JSON string that holds
// a protobuf in base64.
func decodeTrace(aux json.RawMessage) (*controlapi.StatusResponse, error) {
	var data []byte
	if err := json.Unmarshal(aux, &data); err != nil {
		return nil, err
	}
	var status controlapi.StatusResponse
	return &status, proto.Unmarshal(data, &status)
}

// update prints what is new, in the order in which it happens: BuildKit may send the end
// of a step along with the last that it printed.
func (t *trace) update(status *controlapi.StatusResponse) {
	for _, v := range status.Vertexes {
		t.step(v.Digest).begin(v, t)
	}
	for _, l := range status.Logs {
		_, _ = t.step(l.Vertex).out.Write(l.Msg)
	}
	for _, v := range status.Vertexes {
		t.step(v.Digest).end(v, t)
	}
	t.show(t.picture(status))
}

// picture is a status with nothing in it but what may be shown.
func (t *trace) picture(status *controlapi.StatusResponse) *client.SolveStatus {
	p := client.NewSolveStatus(status)
	for _, v := range p.Vertexes {
		v.Name = t.step(string(v.Digest)).name
	}
	for _, s := range p.Statuses {
		s.ID = t.mask.hide(clean(s.ID))
	}
	p.Warnings, p.Logs = nil, nil
	for digest, s := range t.steps {
		p.Logs = append(p.Logs, glimpseOf(godigest.Digest(digest), s.recent)...)
		s.recent = nil
	}
	return p
}

// close prints what came behind the end of its step.
func (t *trace) close() {
	for _, s := range t.steps {
		s.out.flush()
	}
}

func (t *trace) step(digest string) *step {
	s := t.steps[digest]
	if s == nil {
		s = &step{}
		s.out = &lines{mask: t.mask, emit: func(line string) {
			t.log(strings.TrimSpace(s.mark() + " " + line))
			s.recent = append(s.recent[max(0, len(s.recent)-glimpse+1):], line)
		}}
		t.steps[digest] = s
	}
	return s
}

// begin prints that a step has started, unless it has done so already: BuildKit repeats
// itself.
func (s *step) begin(v *controlapi.Vertex, t *trace) {
	s.name = t.mask.hide(clean(v.Name))
	switch {
	case v.Started == nil || s.started:
		return
	case v.Cached:
		s.done = true
		s.say(t, s.name+" CACHED")
	default:
		s.say(t, s.name)
	}
	s.started = true
}

// end prints how a step has ended.
func (s *step) end(v *controlapi.Vertex, t *trace) {
	if v.Completed == nil || s.done {
		return
	}
	s.done = true
	s.out.flush()
	switch took := v.Completed.AsTime().Sub(v.Started.AsTime()); {
	case v.Error == "":
		s.say(t, fmt.Sprintf("%s DONE %.1fs", cmp.Or(s.mark(), s.name), took.Seconds()))
	case strings.HasPrefix(s.name, "importing cache manifest "):
		t.log(s.name + ": there is none")
	case t.fault == nil && !cancelled(v.Error):
		s.err, t.fault = v.Error, s
		t.log(s.name + " ERROR")
	}
}

// say leaves out what BuildKit does for itself, such as loading the Dockerfile.
func (s *step) say(t *trace, line string) {
	if !strings.HasPrefix(s.name, "[internal]") {
		t.log(line)
	}
}

var mark = regexp.MustCompile(`^\[[^\]]*\]`)

// mark returns the number of the step in its stage, "[build 2/5]", which tells the lines
// of steps that run side by side apart; it is empty for steps without one.
func (s *step) mark() string { return mark.FindString(s.name) }
