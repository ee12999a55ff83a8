package fingerprint

import (
	"errors"
	"slices"
	"testing"
)

func TestADockerfileNamesItsBaseImages(t *testing.T) {
	const here, arm = "linux/amd64", "linux/arm64"
	for _, test := range []struct {
		name, dockerfile string
		source           Source
		want             []baseImage
	}{
		{name: "none", dockerfile: "FROM scratch\n"},
		{name: "one", dockerfile: "FROM node:20\n", want: []baseImage{{"node:20", here}}},
		{name: "an image twice", dockerfile: "FROM a AS x\nFROM a\nCOPY --from=x /a /a\n", want: []baseImage{{"a", here}}},
		{name: "a stage in capitals", dockerfile: "FROM a AS Build\nFROM scratch\nCOPY --from=BUILD /a /a\n", want: []baseImage{{"a", here}}},
		{name: "a stage by number", dockerfile: "FROM a\nFROM scratch\nCOPY --from=0 /a /a\n", want: []baseImage{{"a", here}}},
		{name: "a stage on a stage", dockerfile: "FROM a AS x\nFROM x AS y\nFROM y\n", want: []baseImage{{"a", here}}},
		{name: "stages that nothing needs", dockerfile: "FROM a AS x\nFROM b AS y\nFROM c\n", want: []baseImage{{"c", here}}},
		{name: "a target", dockerfile: "FROM a AS x\nFROM b\n", source: Source{Target: "X"}, want: []baseImage{{"a", here}}},
		{name: "COPY of an image", dockerfile: "FROM scratch\nCOPY --from=nginx:1 /a /a\n", want: []baseImage{{"nginx:1", here}}},
		{name: "RUN with an image", dockerfile: "FROM a\nRUN --mount=type=bind,from=b:2,target=/b --mount=type=cache,target=/c true\n", want: []baseImage{{"a", here}, {"b:2", here}}},
		{name: "RUN with a stage", dockerfile: "FROM b AS x\nFROM a\nRUN --mount=from=x,target=/b true\n", want: []baseImage{{"a", here}, {"b", here}}},
		{name: "a trigger for later stages", dockerfile: "FROM a AS x\nONBUILD COPY --from=b /b /b\nFROM x\n", want: []baseImage{{"a", here}, {"b", here}}},
		{name: "a stage of the same name as its image", dockerfile: "FROM a AS a\nFROM a\n", want: []baseImage{{"a", here}}},
		{name: "an argument's default", dockerfile: "ARG V=1\nARG REF=node:$V\nFROM ${REF}-slim\n", want: []baseImage{{"node:1-slim", here}}},
		{name: "an argument", dockerfile: "ARG V=1\nFROM node:$V\n", source: Source{Args: map[string]string{"V": "2"}}, want: []baseImage{{"node:2", here}}},
		{name: "a default in place", dockerfile: "ARG V\nFROM node:${V:-3}\n", want: []baseImage{{"node:3", here}}},
		{name: "a default of nothing that is known", dockerfile: "ARG V=$NOWHERE-1\nFROM node$V\n", want: []baseImage{{"node-1", here}}},
		{name: "the platform's arguments", dockerfile: "FROM a:$TARGETARCH-$BUILDARCH\n", source: Source{Platform: arm}, want: []baseImage{{"a:arm64-amd64", arm}}},
		{name: "the platform's arguments, declared", dockerfile: "ARG TARGETPLATFORM\nARG BUILDPLATFORM\nFROM --platform=$TARGETPLATFORM a AS x\nFROM --platform=$BUILDPLATFORM b\nARG TARGETARCH\nCOPY --from=x /a /a\n", source: Source{Platform: arm}, want: []baseImage{{"b", here}, {"a", arm}}},
		{name: "a platform", dockerfile: "FROM --platform=$BUILDPLATFORM a AS x\nFROM b\nCOPY --from=x /a /a\n", source: Source{Platform: arm}, want: []baseImage{{"b", arm}, {"a", here}}},
		{name: "ADD with a checksum", dockerfile: "FROM a\nADD --checksum=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 https://example.com/a /a\n", want: []baseImage{{"a", here}}},
		{name: "ADD of an argument", dockerfile: "FROM a\nARG JAR=target/*.jar\nADD $JAR /app.jar\n", want: []baseImage{{"a", here}}},
		{name: "Docker's own syntax", dockerfile: "# syntax=docker/dockerfile:1.7\nFROM a\n", want: []baseImage{{"a", here}}},
		{name: "a here-document", dockerfile: "FROM a\nCOPY <<EOF /x\nADD https://example.com/a /a\nEOF\n", want: []baseImage{{"a", here}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.source.BuildPlatform = here
			got, err := parseDockerfile([]byte(test.dockerfile), test.source)
			if err != nil || !slices.Equal(got.bases, test.want) {
				t.Errorf("bases = %q, %v, want %q", got.bases, err, test.want)
			}
		})
	}
}

func TestADockerfileThatDownloadsHasNoKnownContent(t *testing.T) {
	for _, test := range []struct {
		dockerfile string
		args       map[string]string
	}{
		{dockerfile: "FROM scratch\nADD http://example.com/a /a\n"},
		{dockerfile: "FROM scratch\nADD HTTPS://example.com/a /a\n"},
		{dockerfile: "FROM scratch\nADD https://example.com/a.git#main /a\n"},
		{dockerfile: "FROM scratch\nADD git@example.com:a/b.git /a\n"},
		{dockerfile: "FROM scratch\nARG URL=https://example.com\nADD $URL/a /a\n"},
		{dockerfile: "FROM scratch\nARG URL\nADD $URL /a\n", args: map[string]string{"URL": "https://example.com"}},
		{dockerfile: "ARG URL=https://example.com\nFROM scratch\nARG URL\nADD $URL /a\n"},
		{dockerfile: "FROM scratch AS x\nENV URL=https://example.com\nFROM x\nADD $URL /a\n"},
		{dockerfile: "FROM base\nADD $FROM_BASE /a\n"},
		{dockerfile: "FROM base\nARG URL=$FROM_BASE/a\nADD $URL /a\n"},
		{dockerfile: "FROM base\nENV URL=https://$FROM_BASE\nADD $URL/a /a\n"},
		{dockerfile: "FROM scratch AS x\nONBUILD ADD http://example.com/a /a\nFROM x\n"},
		{dockerfile: "# syntax = example.com/docker/dockerfile\nFROM scratch\n"},
		{dockerfile: "FROM scratch\n", args: map[string]string{"BUILDKIT_SYNTAX": "example.com/own"}},
	} {
		if r, err := parseDockerfile([]byte(test.dockerfile), Source{BuildPlatform: "linux/amd64", Args: test.args}); !errors.Is(err, errUnknownContent) {
			t.Errorf("%q: %+v, %v", test.dockerfile, r, err)
		}
	}
	for _, dockerfile := range []string{"", "ARG A\n", "RUN a\n", "FROM scratch\nNO a\n", "FROM scratch AS x\nFROM y\nCOPY\n", "FROM $NOTHING\n"} {
		if _, err := parseDockerfile([]byte(dockerfile), Source{BuildPlatform: "linux/amd64"}); err == nil {
			t.Errorf("%q is a Dockerfile", dockerfile)
		}
	}
}

func FuzzDockerfile(f *testing.F) {
	for _, dockerfile := range []string{
		"ARG A=b\nFROM $A AS x\nENV B=${A:-c} C=$B\nADD $B /\nONBUILD RUN --mount=from=x true\nFROM x\nCOPY --from=x . <<E /\nE\n",
		"# syntax=docker/dockerfile:1\n# escape=`\nFROM --platform=$BUILDPLATFORM scratch\nCOPY [\"a b\", \"`$c\"]\n",
		"FROM a AS a\nFROM a AS b\nCOPY --from=b / /\nCOPY --from=1 / /\n",
		"FROM x AS y\nCOPY --from=z / /\nFROM y AS z\nONBUILD ONBUILD ONBUILD ADD http://a /\n",
	} {
		f.Add([]byte(dockerfile), "x")
	}
	f.Fuzz(func(t *testing.T, dockerfile []byte, target string) {
		r, err := parseDockerfile(dockerfile, Source{BuildPlatform: "linux/amd64", Target: target})
		for _, b := range r.bases {
			if err == nil && (b.ref == "" || b.platform == "") {
				t.Errorf("%+v", b)
			}
		}
	})
}
