package builder

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
)

func TestFormerPicksOnlyWhatTheSourceHasTagged(t *testing.T) {
	tag := func(id string) string { return "build-" + id }
	all := []image.Summary{
		{ID: "new", RepoTags: []string{"host/app:build-new"}},
		{ID: "old", RepoTags: []string{"host/app:build-old", "host/app:latest", "host/other:build-old"}},
		{ID: "foreign", RepoTags: []string{"host/app:build-old2", "host/app:v1"}},
		{ID: "dangling"},
	}
	if got, want := former(all, "host/app", "new", tag), []string{"host/app:build-old"}; !slices.Equal(got, want) {
		t.Errorf("former = %q, want %q", got, want)
	}
}

func TestBuildRemovesItsOlderImagesFromTheEngine(t *testing.T) {
	b, shelf := connect(t), newShelf(t)
	s := newSource(t, b, map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nCMD [\"/a\"]\n", "a": "first"})
	build := func(content string) []string {
		t.Helper()
		write(t, s.Context+"/a", content)
		if _, err := b.Build(t.Context(), []Source{s}, shelf.registry, nil); err != nil {
			t.Fatal(err)
		}
		return images(t, b, s.Name)
	}
	build("first")
	if got := build("second"); len(got) != 2 {
		t.Errorf("an image that was tagged just now is gone: %q", got)
	}
	b.now = func() time.Time { return time.Now().Add(2 * settled) }
	if got := build("third"); len(got) != 1 {
		t.Errorf("images = %q, want one", got)
	}
	ctx := context.Background()
	user, err := b.docker.ContainerCreate(ctx, &container.Config{Image: images(t, b, s.Name)[0]}, nil, nil, nil, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	got := build("fourth")
	if err := b.docker.ContainerRemove(ctx, user.ID, container.RemoveOptions{Force: true}); err != nil {
		t.Error(err)
	}
	if len(got) != 2 {
		t.Errorf("images = %q, want two: a container is made from one", got)
	}
}
