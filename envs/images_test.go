package envs

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"beansprout/envs/ecr"
	"beansprout/localcloud"
)

// pushed is the source of a bundle and of one image, which has its content.
type pushed struct{ archive }

func (s pushed) Images(ctx context.Context, t Target) ([]Image, error) {
	uri, err := t.Registry.Repository(ctx)
	if err != nil {
		return nil, err
	}
	username, password, err := t.Registry.Login(ctx, uri, []string{"web"})
	if err != nil {
		return nil, err
	}
	host, name, _ := strings.Cut(uri, "/")
	put := func(method, path, mediaType, content string) (location string) {
		r, failure := http.NewRequestWithContext(ctx, method, "http://"+host+path, strings.NewReader(content))
		if failure != nil {
			err = errors.Join(err, failure)
			return ""
		}
		r.SetBasicAuth(username, password)
		r.Header.Set("Content-Type", mediaType)
		answer, failure := http.DefaultClient.Do(r)
		if failure != nil {
			err = errors.Join(err, failure)
			return ""
		}
		defer answer.Body.Close()
		if text, _ := io.ReadAll(answer.Body); answer.StatusCode >= http.StatusMultipleChoices {
			err = errors.Join(err, fmt.Errorf("%s %s: %s %s", method, path, answer.Status, text))
		}
		return strings.TrimPrefix(answer.Header.Get("Location"), "http://"+host)
	}
	blob := func(content string) string {
		place := put(http.MethodPost, "/v2/"+name+"/blobs/uploads/", "", "")
		put(http.MethodPut, place+"?digest="+digestOf(content), "application/octet-stream", content)
		return digestOf(content)
	}
	const manifestType, configType = "application/vnd.docker.distribution.manifest.v2+json", "application/vnd.docker.container.image.v1+json"
	config := fmt.Sprintf(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"},"author":%q}`, s.content)
	manifest := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"config":{"mediaType":%q,"size":%d,"digest":%q},"layers":[]}`,
		manifestType, configType, len(config), blob(config))
	put(http.MethodPut, "/v2/"+name+"/manifests/build-"+s.content, manifestType, manifest)
	return []Image{{Name: "web", Reference: uri + "@" + digestOf(manifest), Digest: digestOf(manifest), Platform: "linux/" + t.Architecture}}, err
}

func digestOf(content string) string {
	return fmt.Sprintf("sha256:%x", sha256.Sum256([]byte(content)))
}

func TestImagesAreTaggedWhileTheyRunOrRanBefore(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	request := deployment("x", "")
	request.Base = Base{Platform: testECS}
	var digests []string
	var last Environment
	for i, content := range []string{"one", "two", "three", "three"} {
		request.Commit, request.Source = content, pushed{archive{content}}
		r, err := p.manager.Deploy(t.Context(), request, Options{})
		if err != nil || len(r.Images) != 1 || (r.Outcome == Unchanged) != (i == 3) {
			t.Fatalf("%s: %+v, %v", content, r, err)
		}
		digests, last = append(digests, r.Images[0].Digest), r.Environment
	}
	want := []string{LiveTag(testRegion, last.Name, "web", digests[1]), LiveTag(testRegion, last.Name, "web", digests[2])}
	slices.Sort(want)
	if got := p.liveTags(last.Name); !slices.Equal(got, want) {
		t.Errorf("the live tags are %q, want %q", got, want)
	}
	if rec := last.Own(); !slices.Equal(rec.Digests, digests[2:3]) || !slices.Equal(rec.Before.Digests, digests[1:2]) {
		t.Errorf("the record knows %q, and before %q", rec.Digests, rec.Before.Digests)
	}
	r, err := p.manager.Rollback(t.Context(), last, RollbackOptions{Check: HealthCheck{Off: true}})
	if err != nil || r.Environment.Commit != "two" || len(r.Images) != 1 || r.Images[0].Digest != digests[1] {
		t.Errorf("Rollback: %+v, %v", r, err)
	}
	if _, err := p.manager.Remove(t.Context(), r.Environment, RemoveOptions{Purge: true}); err != nil {
		t.Fatal(err)
	}
	if got := p.liveTags(last.Name); len(got) > 0 {
		t.Errorf("a removal leaves the live tags %q", got)
	}
}

// liveTags are those of the named environment, in order.
func (p *plot) liveTags(name string) (tags []string) {
	p.Helper()
	all, err := p.manager.images.Tags(p.Context(), "shop")
	if err != nil && !errors.Is(err, ecr.ErrNoRepository) {
		p.Fatal(err)
	}
	for tag := range all {
		if IsLiveTagOf(tag, testRegion, name) {
			tags = append(tags, tag)
		}
	}
	slices.Sort(tags)
	return tags
}

// hasty is a source that wants what a deploy has not got ready.
type hasty struct {
	archive
	ended  chan struct{}
	errors []error
}

func (s *hasty) Images(ctx context.Context, t Target) ([]Image, error) {
	defer close(s.ended)
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := t.Registry.Repository(brief)
	_, _, failure := t.Registry.Login(brief, "shop", []string{"web"})
	s.errors = []error{err, failure, t.Ready(brief)}
	return nil, err
}

func TestARefusedDeployChangesNothingInTheRegistry(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	s := &hasty{ended: make(chan struct{})}
	request := deployment("x", "one")
	request.Base, request.Source = Base{Platform: testECS + "0"}, s
	p.before(1, "ListPlatformVersions", func() string { <-s.ended; return "" })
	if _, err := p.manager.Deploy(t.Context(), request, Options{}); !errors.Is(err, ErrNotFound) {
		t.Errorf("Deploy: %v", err)
	}
	for i, err := range s.errors {
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%d: it does not wait: %v", i, err)
		}
	}
	for _, call := range p.cloud.Calls() {
		if call.Service == "ecr" && call.Action != "DescribeRepositories" {
			t.Errorf("it calls %s", call.Action)
		}
	}
}

// prompt is a source that reports when it is asked for images, and makes them when it may.
type prompt struct {
	pushed
	begun chan struct{}
}

func (s prompt) Images(ctx context.Context, t Target) ([]Image, error) {
	close(s.begun)
	return s.pushed.Images(ctx, t)
}

func TestTheSourceBeginsWhileTheDestinationIsLookedUp(t *testing.T) {
	p := newPlot(t, localcloud.Config{}, withImages)
	request := deployment("x", "one")
	begun := make(chan struct{})
	request.Base, request.Source = Base{Platform: testECS}, prompt{pushed{archive{"one"}}, begun}
	p.before(1, "ListPlatformVersions", func() string {
		select {
		case <-begun:
		case <-time.After(time.Minute):
			t.Error("the source is not asked for images")
		}
		return ""
	})
	p.deployed(request, Created)
}
