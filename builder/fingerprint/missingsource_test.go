package fingerprint

import (
	"net"
	"path/filepath"
	"slices"
	"testing"

	"beansprout/test/must"
)

func TestWhatIsCopiedAndMissingIsFoundWithTheReason(t *testing.T) {
	s := Source{Context: t.TempDir(), BuildPlatform: "linux/amd64"}
	must.Write(t, filepath.Join(s.Context, "Dockerfile"), `FROM scratch AS unused
COPY unused /
FROM scratch
ARG NAME=package
COPY $NAME.json $BASE *.nothing ./src/main.go src/../go.mod link/main.go inner /
COPY packages.json /
COPY main.go /
COPY dist /
COPY quite/something/else /
COPY out /
COPY up/passwd /
COPY round /
COPY socket /
COPY --from=nginx nothing /
ADD gone.tar /
`)
	must.Write(t, filepath.Join(s.Context, ".dockerignore"), "dist\n")
	for _, name := range []string{"package.json", "src/main.go", "go.mod", "dist/a"} {
		must.Write(t, filepath.Join(s.Context, name), "a")
	}
	for link, target := range map[string]string{"link": "/src", "inner": "src/../../go.mod", "out": "/etc/passwd", "up": "../../etc", "round": "round"} {
		symlink(t, target, filepath.Join(s.Context, link))
	}
	socket, err := net.Listen("unix", filepath.Join(s.Context, "socket"))
	must.Succeed(t, err)
	defer socket.Close()
	want := []Missing{
		{"packages.json", `there is "package.json"`},
		{"main.go", `there is "src/main.go"`},
		{"dist", `.dockerignore leaves "dist" out`},
		{"quite/something/else", ""},
		{"out", `the link "out" leads to "/etc/passwd", and the engine sees nothing outside the context`},
		{"up/passwd", `the link "up" leads to "../../etc", and the engine sees nothing outside the context`},
		{"round", `the link "round" leads to itself`},
		{"socket", `"socket" is a socket: only files, directories and links go into an image`},
		{"gone.tar", ""},
	}
	if got := MissingSources(t.Context(), s); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
