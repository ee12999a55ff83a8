package builder

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

func TestTaggedPicksOnlyTagsOfOursInTheRepository(t *testing.T) {
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

func TestBuildRemovesItsOlderImagesFromTheEngine(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nCMD [\"/a\"]\n", "a": "first"})
	build := func(content string) []string {
		t.Helper()
		write(t, s.Context+"/a", content)
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		return images(t, b, s.Name)
	}
	build("first")
	if got := build("second"); len(got) != 1 {
		t.Errorf("images = %q, want one", got)
	}
	ctx := context.Background()
	user, err := b.docker.ContainerCreate(ctx, &container.Config{Image: images(t, b, s.Name)[0]}, nil, nil, nil, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	got := build("third")
	if err := b.docker.ContainerRemove(ctx, user.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
	if len(got) != 2 {
		t.Errorf("images = %q, want two: a container is made from one", got)
	}
}

func TestBuildRemovesImagesThatNobodyBuildsAnyMore(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\n", "a": "first"})
	build := func(local string) []string {
		t.Helper()
		write(t, s.Context+"/a", local)
		s.Local = local
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, Options{}); err != nil {
			t.Fatal(err)
		}
		return images(t, b, s.Name)
	}
	build("one")
	if got := build("two"); len(got) != 2 {
		t.Errorf("images = %q, want that of each environment", got)
	}
	b.now = func() time.Time { return time.Now().Add(2 * forgotten) }
	if got := build("three"); len(got) != 1 {
		t.Errorf("images = %q, want one", got)
	}
}
