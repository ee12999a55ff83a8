package builder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"

	controlapi "github.com/moby/buildkit/api/services/control"
	"google.golang.org/protobuf/proto"

	"beansprout/builder/fingerprint"
	"beansprout/mask"
	"beansprout/pattern"
)

// trace logs what BuildKit reports about its steps, and keeps the step that failed.
type trace struct {
	log    func(line string)
	mask   mask.Mask
	steps  map[string]*step // by digest
	failed *step
}

// step is a vertex of the build graph: most are a line of the Dockerfile.
type step struct {
	name    string
	err     string
	started bool
	done    bool
	out     *lines
}

func newTrace(log func(string), hidden mask.Mask) *trace {
	return &trace{log: log, mask: hidden, steps: map[string]*step{}}
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

// update logs what is new. BuildKit may send the end of a step together with its last output.
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
}

// close logs output that came after the end of its step.
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
		}}
		t.steps[digest] = s
	}
	return s
}

// begin logs the start of a step once: BuildKit repeats it.
func (s *step) begin(v *controlapi.Vertex, t *trace) {
	s.name = masked(t.mask, v.Name)
	switch {
	case v.Started == nil || s.started:
		return
	case v.Cached:
		s.done = true
		s.log(t, s.name+" CACHED")
	default:
		s.log(t, s.name)
	}
	s.started = true
}

// end logs the end of a step.
func (s *step) end(v *controlapi.Vertex, t *trace) {
	if v.Completed == nil || s.done {
		return
	}
	s.done = true
	s.out.flush()
	switch took := v.Completed.AsTime().Sub(v.Started.AsTime()); {
	case v.Error == "":
		s.log(t, fmt.Sprintf("%s DONE %.1fs", cmp.Or(s.mark(), s.name), took.Seconds()))
	case strings.HasPrefix(s.name, "importing cache manifest "):
		t.log(s.name + ": there is none")
	case t.failed == nil && !cancelled(v.Error):
		s.err, t.failed = v.Error, s
		t.log(s.name + " ERROR")
	}
}

func cancelled(err string) bool { return strings.HasSuffix(err, context.Canceled.Error()) }

// log leaves out BuildKit's internal steps, such as loading the Dockerfile.
func (s *step) log(t *trace, line string) {
	if !strings.HasPrefix(s.name, "[internal]") {
		t.log(line)
	}
}

var mark = pattern.New(`^\[[^\]]*\]`)

// mark returns the stage and number of the step, such as "[build 2/5]", or "". It starts each line,
// because steps run in parallel.
func (s *step) mark() string { return mark.FindString(s.name) }

// message is one message of the engine during a build or a push.
type message struct {
	ID       string          `json:"id"`
	Status   string          `json:"status"`
	Error    string          `json:"error"`
	Aux      json.RawMessage `json:"aux"`
	Progress struct {
		Current, Total int64 // bytes
	} `json:"progressDetail"`
}

// refusal is an error in the engine's stream, whose HTTP status is 200.
type refusal struct{ message string }

func (r refusal) Error() string { return plain(r.message).Error() }

// readStream calls each for every message of stream. It returns the first error in the stream, as a
// refusal, or the error of the connection.
func readStream(stream io.Reader, each func(message)) error {
	var refused error
	for decoder := json.NewDecoder(stream); ; {
		var m message
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF):
			return refused
		case refused != nil && err != nil:
			return refused
		case err != nil:
			return err
		case m.Error != "" && refused == nil:
			refused = refusal{m.Error}
		}
		each(m)
	}
}

var exitCode = pattern.New(`exit code: (\d+)`)

// explain returns the error of a failed build: that of the step that failed, or else the refusal at
// the end of the stream.
func (t *trace) explain(image, refusal string) *BuildError {
	refused := plain(t.mask.Hide(refusal))
	if t.failed == nil {
		return &BuildError{Image: image, Err: recognize(refused, refusal, pullErrors)}
	}
	e := &BuildError{Image: image, Step: t.failed.name, Output: t.failed.out.tail(), Err: refused}
	if m := exitCode.FindStringSubmatch(t.failed.err); m != nil {
		e.ExitCode, _ = strconv.Atoi(m[1])
	}
	switch {
	case e.ExitCode != 0:
		e.Err = recognize(refused, refusal+"\n"+e.Output, hostErrors)
	case copySteps.MatchString(e.Step) && missingPattern.MatchString(refused.Error()):
		e.Err = recognized{missingSource(refused.Error(), e.Step), ErrNothingToCopy}
	case syntaxSteps.MatchString(e.Step):
		e.Err = recognized{refused, ErrNoFrontend}
	default:
		e.Err = recognize(refused, refusal, pullErrors)
	}
	return e
}

// explainMissingSource adds to ErrNothingToCopy why the file is missing. The engine mentions neither
// links nor the ignore file.
func (b *Builder) explainMissingSource(ctx context.Context, s Source, e *BuildError) *BuildError {
	if !errors.Is(e, ErrNothingToCopy) {
		return e
	}
	var reasons []string
	for _, m := range fingerprint.MissingSources(ctx, s.inputs(b.platform)) {
		if m.Reason != "" {
			reasons = append(reasons, m.Reason)
		}
	}
	if len(reasons) > 0 {
		e.Err = fmt.Errorf("%w: %s", e.Err, strings.Join(reasons, "; "))
	}
	return e
}

// checkSources refuses a Dockerfile that copies what the context does not have, as the engine would.
func (b *Builder) checkSources(ctx context.Context, s Source) error {
	var missing []string
	for _, m := range fingerprint.MissingSources(ctx, s.inputs(b.platform)) {
		text := fmt.Sprintf("%q not found", path.Clean("/"+m.Path))
		if m.Reason != "" {
			text += ": " + m.Reason
		}
		missing = append(missing, text)
	}
	if missing == nil {
		return nil
	}
	return &BuildError{Image: s.Name, Step: "COPY", Err: recognized{errors.New(strings.Join(missing, "; ")), ErrNothingToCopy}}
}

// addEngineVersion adds the engine's version to ErrOldFrontend.
func (b *Builder) addEngineVersion(e *BuildError) *BuildError {
	if errors.Is(e, ErrOldFrontend) {
		e.Err = fmt.Errorf("%w (the engine is Docker %s)", e.Err, b.version)
	}
	return e
}

var (
	syntaxSteps    = pattern.New(`^(\[[^\]]*\] )?resolve image config for |^docker-image://`)
	copySteps      = pattern.New(`^\[[^\]]*\] (COPY|ADD) `)
	missingPattern = pattern.New(`not found$|no such file or directory$`)
	missingPath    = pattern.New(`"(/[^"]*)":? not found$|\blstat (/.*): no such file or directory$`)
	walkedDir      = pattern.New(`\bfailed to walk (/.*): lstat `)
)

// missingSource returns an error that names the file that a COPY or ADD did not find. BuildKit looks
// for the file, or walks its directory. In the second case it names a missing directory instead of
// the file.
func missingSource(refusal, step string) error {
	m := missingPath.FindStringSubmatch(refusal)
	if m == nil {
		return errors.New(refusal)
	}
	name := m[1] + m[2]
	if walkedDir.MatchString(refusal) {
		for _, source := range strings.Fields(copySteps.ReplaceAllString(step, "")) {
			if source = path.Clean("/" + source); path.Dir(source) == name {
				name = source
				break
			}
		}
	}
	return fmt.Errorf("%q not found", name)
}
