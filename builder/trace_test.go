package builder

import (
	"encoding/json"
	"testing"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

func TestTraceBlamesTheStepThatFailedNotThoseCancelledWithIt(t *testing.T) {
	now := timestamppb.Now()
	steps := newTrace(func(string) {}, func(*client.SolveStatus) {}, mask{})
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
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, data)
	}
	f.Fuzz(func(t *testing.T, first, second []byte) {
		steps := newTrace(Log(func(_, _, line string) {
			if clean(line) != line {
				t.Errorf("line %q", line)
			}
		}).of("web", stepBuild), func(*client.SolveStatus) {}, mask{})
		for _, data := range [][]byte{first, second} {
			aux, err := json.Marshal(data)
			if err != nil {
				t.Fatal(err)
			}
			if status, err := decodeTrace(aux); err == nil {
				steps.update(status)
			}
		}
		_ = steps.explain("web", "refused").Error()
	})
}
