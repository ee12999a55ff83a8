package builder

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"

	"beansprout/test/must"
)

func TestTaggedReturnsOnlyOurTagsInTheRepository(t *testing.T) {
	ctx := "ctx-" + strings.Repeat("0a", 20)
	all := []image.Summary{
		{RepoTags: []string{"host/app:local-shop-web", "host/app:latest", "host/other:local-shop-web"}},
		{RepoTags: []string{"host/app:" + ctx, "host/app:" + ctx + "0", "host/app:v1"}},
		{ID: "dangling"},
	}
	if got, want := tagged(all, "host/app"), []string{"host/app:local-shop-web", "host/app:" + ctx}; !slices.Equal(got, want) {
		t.Errorf("tagged = %q, want %q", got, want)
	}
}

func TestBuildPrunesItsOlderImages(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nCMD [\"/a\"]\n", "a": "first"})
	build := func(content string) []string {
		t.Helper()
		must.Write(t, s.Context+"/a", content)
		mustBuild(t, b, shelf, Options{}, s)
		return images(t, b, s.Name)
	}
	build("first")
	if got := build("second"); len(got) != 1 {
		t.Errorf("images = %q, want one", got)
	}
	ctx := context.Background()
	user, err := b.docker.ContainerCreate(ctx, &container.Config{Image: images(t, b, s.Name)[0]}, nil, nil, nil, s.Name)
	must.Succeed(t, err)
	got := build("third")
	must.Succeed(t, b.docker.ContainerRemove(ctx, user.ID, container.RemoveOptions{Force: true}))
	if len(got) != 2 {
		t.Errorf("images = %q, want two: a container is made from one", got)
	}
}

func TestBuildPrunesUnusedImages(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "first"})
	build := func(local string) []string {
		t.Helper()
		must.Write(t, s.Context+"/a", local)
		s.Local = local
		mustBuild(t, b, shelf, Options{}, s)
		return images(t, b, s.Name)
	}
	build("one")
	if got := build("two"); len(got) != 2 {
		t.Errorf("images = %q, want that of each environment", got)
	}
	b.now = func() time.Time { return time.Now().Add(2 * unusedAge) }
	if got := build("three"); len(got) != 1 {
		t.Errorf("images = %q, want one", got)
	}
}
