package lab

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/docker/docker/api/types/filters"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"beansprout/builder"
)

var engineAnswers = sync.OnceValue(func() error {
	engine, err := builder.Connect(context.Background())
	if err != nil {
		return err
	}
	return engine.Close()
})

// NeedEngine fails the test where no Docker Engine answers, and skips it in short mode.
func NeedEngine(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Docker Engine")
	}
	if err := engineAnswers(); err != nil {
		t.Fatalf("needs a Docker Engine: %v", err)
	}
}

// EngineSocket is the path of the Docker Engine's socket.
func EngineSocket() string {
	if path, ok := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); ok {
		return path
	}
	return "/var/run/docker.sock"
}

// RemoveImages removes from the engine what was built for the registry at host.
func RemoveImages(host string) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	docker, err := client.NewClientWithOpts(client.FromEnv, client.WithAPIVersionNegotiation())
	if err != nil {
		return
	}
	defer docker.Close()
	images, err := docker.ImageList(ctx, image.ListOptions{Filters: filters.NewArgs(filters.Arg("reference", host+"/*"))})
	if err != nil {
		return
	}
	for _, i := range images {
		for _, ref := range slices.Concat(i.RepoTags, i.RepoDigests) {
			if strings.HasPrefix(ref, host+"/") {
				_, _ = docker.ImageRemove(ctx, ref, image.RemoveOptions{})
			}
		}
	}
}
