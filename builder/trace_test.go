package builder

import (
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	controlapi "github.com/moby/buildkit/api/services/control"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"beansprout/mask"
	"beansprout/test/must"
)

func TestTraceReportsTheFailedStepAndNotTheCancelledOnes(t *testing.T) {
	now := timestamppb.Now()
	steps := newTrace(func(string) {}, mask.Mask{})
	steps.update(&controlapi.StatusResponse{Vertexes: []*controlapi.Vertex{
		{Digest: "a", Name: "[a 1/1] RUN slow", Started: now, Completed: now, Error: "failed: context canceled"},
		{Digest: "b", Name: "[b 1/1] RUN wrong", Started: now, Completed: now, Error: "process failed: exit code: 3"},
		{Digest: "c", Name: "[c 1/1] RUN later", Started: now, Completed: now, Error: "process failed: exit code: 4"},
	}})
	if got := steps.explain("web", "refused"); got.Step != "[b 1/1] RUN wrong" || got.ExitCode != 3 {
		t.Errorf("step %q, exit code %d", got.Step, got.ExitCode)
	}
}

// FuzzTrace feeds what an engine might say to the trace: whatever comes, it neither
// panics nor prints anything but text.
func FuzzTrace(f *testing.F) {
	now := timestamppb.Now()
	for _, status := range []*controlapi.StatusResponse{
		{Vertexes: []*controlapi.Vertex{{Digest: "a", Name: "[1/2] RUN x", Started: now}}, Logs: []*controlapi.VertexLog{{Vertex: "a", Msg: []byte("line\n")}}},
		{Vertexes: []*controlapi.Vertex{{Digest: "a", Name: "[1/2] RUN x", Started: now, Completed: now, Error: "process failed: exit code: 3"}}},
		{Vertexes: []*controlapi.Vertex{{Digest: "a", Completed: now}, {Digest: "a", Error: "exit code: 99999999999999999999"}}},
	} {
		data, err := proto.Marshal(status)
		must.Succeed(f, err)
		f.Add(data, data)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		steps := newTrace(Log(func(_, _, line string) {
			if clean(line) != line {
				t.Errorf("line %q", line)
			}
		}).of("web", stepBuild), mask.Mask{})
		for _, data := range [][]byte{first, second} {
			aux, err := json.Marshal(data)
			must.Succeed(t, err)
			if status, err := decodeTrace(aux); err == nil {
				steps.update(status)
			}
		}
		_ = steps.explain("web", "refused").Error()
	})
}

func TestReadStreamReturnsTheErrorAfterTheLastMessage(t *testing.T) {
	stream := `{"status":"one"}{"error":"denied: no"}` + "\n" + `{"status":"` + strings.Repeat("x", 100_000) + `"}{"error":"later"}`
	n := 0
	err := readStream(strings.NewReader(stream), func(message) { n++ })
	var refused refusal
	if !errors.As(err, &refused) || refused.message != "denied: no" || n != 4 {
		t.Errorf("error = %v after %d messages", err, n)
	}
}

func TestReadStreamReportsAStreamThatEndsEarly(t *testing.T) {
	for stream, want := range map[string]error{"": nil, `{"status":"a"}`: nil, `{"status":"a"}{"stat`: io.ErrUnexpectedEOF} {
		if err := readStream(strings.NewReader(stream), func(message) {}); !errors.Is(err, want) {
			t.Errorf("read(%q) = %v, want %v", stream, err, want)
		}
	}
}

func FuzzReadStream(f *testing.F) {
	f.Add(`{"id":"moby.image.id","aux":{"ID":"sha256:1"}}`)
	f.Add(`{"status":"a","id":"b"}{"errorDetail":{"message":"x"},"error":"x"}`)
	f.Add(`{"status":"Pushing","progressDetail":{"current":512,"total":1024},"id":"a"}{"status":"Pushed","id":"a"}`)
	f.Add(`[null,1]{`)
	f.Fuzz(func(t *testing.T, stream string) {
		p := &push{log: func(string) {}}
		_ = readStream(strings.NewReader(stream), p.update)
		_ = p.summary()
	})
}
