package ecr_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"beansprout/envs/ecr"
	"beansprout/localcloud"
	"beansprout/test/must"
)

const nowhere = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

// open returns a registry in a new local cloud, and the client that it calls through.
func open(t *testing.T) (*ecr.Registry, *awsecr.Client) {
	t.Helper()
	_, client := cloudAndClient(t)
	return ecr.New(client), client
}

// tagger returns a Tagger that is always allowed to change.
func tagger(r *ecr.Registry) *ecr.Tagger {
	return r.Changing(func(context.Context) error { return nil })
}

func cloudAndClient(t *testing.T) (*localcloud.Cloud, *awsecr.Client) {
	t.Helper()
	cloud, err := localcloud.Open(t.Context(), localcloud.Config{Dir: t.TempDir()})
	must.Succeed(t, err)
	t.Cleanup(func() {
		if err := cloud.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	key, secret := cloud.Credentials()
	return cloud, awsecr.New(awsecr.Options{
		Region:       "us-east-1",
		BaseEndpoint: aws.String(cloud.Endpoint()),
		Credentials:  credentials.NewStaticCredentialsProvider(key, secret, ""),
	})
}

// repository creates a repository and returns its URI.
func repository(t *testing.T, r *ecr.Registry) string {
	t.Helper()
	uri, _, err := r.Create(t.Context(), "shop", ecr.Settings{})
	must.Succeed(t, err)
	return uri
}

func tags(t *testing.T, r *ecr.Registry, repository string) map[string]string {
	t.Helper()
	got, err := r.Tags(t.Context(), repository)
	must.Succeed(t, err)
	return got
}

func TestRepositoryIsCreatedOnce(t *testing.T) {
	r, _ := open(t)
	first, created, err := r.Create(t.Context(), "team/shop", ecr.Settings{})
	if err != nil || !created || !strings.HasSuffix(first, "/team/shop") {
		t.Fatalf("Create = %q, %v, %v, want a new one", first, created, err)
	}
	again, created, err := r.Create(t.Context(), "team/shop", ecr.Settings{})
	if err != nil || created || again != first {
		t.Errorf("Create = %q, %v, %v, want %q as it was", again, created, err, first)
	}
}

func TestANewRepositoryHasTheSettingsAndAnotherKeepsItsOwn(t *testing.T) {
	r, client := open(t)
	for i, s := range []ecr.Settings{{Scan: true, Immutable: true}, {}} {
		_, _, err := r.Create(t.Context(), "strict", s)
		must.Succeed(t, err)
		out, err := client.DescribeRepositories(t.Context(), &awsecr.DescribeRepositoriesInput{RepositoryNames: []string{"strict"}})
		must.Succeed(t, err)
		got := out.Repositories[0]
		if got.ImageTagMutability != types.ImageTagMutabilityImmutable || !got.ImageScanningConfiguration.ScanOnPush {
			t.Errorf("%d: %s, scan %v", i, got.ImageTagMutability, got.ImageScanningConfiguration.ScanOnPush)
		}
	}
	uri := repository(t, r)
	push(t, r, uri, "a")
	push(t, r, uri, "a") // which tags that are immutable refuse
}

func TestURIOfAnotherAccountIsReturnedUnchanged(t *testing.T) {
	r := ecr.New(awsecr.New(awsecr.Options{Region: "us-east-1"})) // a call would fail
	const uri = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/team/shop"
	if got, err := r.URI(t.Context(), uri); got != uri || err != nil {
		t.Errorf("URI = %q, %v, want %q", got, err, uri)
	}
}

func TestTheErrorOfAnInvalidNameIsReadable(t *testing.T) {
	r, _ := open(t)
	_, created, err := r.Create(t.Context(), "Not A Name", ecr.Settings{})
	var refusal *ecr.Refusal
	if created || !errors.As(err, &refusal) || refusal.Code != "InvalidParameterException" {
		t.Fatalf("created %v, error = %v", created, err)
	}
	if text := err.Error(); strings.Contains(text, "operation error") || strings.Contains(text, "RequestID") {
		t.Errorf("the SDK shows in %q", text)
	}
}

func TestTokenIsValidForHours(t *testing.T) {
	r, _ := open(t)
	push(t, r, repository(t, r), "v1")
	token, err := r.Token(t.Context(), "shop")
	must.Succeed(t, err)
	if left := time.Until(token.Expires); token.Username != "AWS" || token.Password == "" || left < time.Hour {
		t.Errorf("user %q, password of %d bytes, valid for %s", token.Username, len(token.Password), left)
	}
}

func TestCallsGoToTheRepositorysOwnRegion(t *testing.T) {
	const there = "123456789012.dkr.ecr.ap-northeast-2.amazonaws.com/shop"
	for call, do := range map[string]func(*ecr.Registry, string) error{
		"Token": func(r *ecr.Registry, in string) error { _, err := r.Token(t.Context(), in); return err },
		"Image": func(r *ecr.Registry, in string) error { _, _, err := r.Image(t.Context(), in, "a"); return err },
		"Tags":  func(r *ecr.Registry, in string) error { _, err := r.Tags(t.Context(), in); return err },
		"Tag":   func(r *ecr.Registry, in string) error { return tagger(r).Tag(t.Context(), in, nowhere, "a") },
		"Untag": func(r *ecr.Registry, in string) error {
			_, err := tagger(r).Untag(t.Context(), in, []string{"a"})
			return err
		},
		"Expire": func(r *ecr.Registry, in string) error { _, err := r.Expire(t.Context(), in, day); return err },
	} {
		for repository, want := range map[string]string{"shop": "us-east-1", there: "ap-northeast-2"} {
			var called recording
			r := ecr.New(awsecr.New(awsecr.Options{
				Region: "us-east-1", HTTPClient: &called,
				Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
			}))
			if err := do(r, repository); err == nil || !strings.Contains(called.host, "."+want+".") {
				t.Errorf("%s of %s called %q: %v", call, repository, called.host, err)
			}
		}
	}
}

func TestImageIsFoundByItsTag(t *testing.T) {
	r, _ := open(t)
	uri := repository(t, r)
	digest := push(t, r, uri, "a")
	pushList(t, r, uri, "list", digest)
	found, config, err := r.Image(t.Context(), uri, "a")
	if err != nil || found != digest || config != configDigest {
		t.Errorf("Image = %q, %q, %v, want %q, %q", found, config, err, digest, configDigest)
	}
	if found, config, err := r.Image(t.Context(), "shop", "list"); err != nil || found == "" || config != "" {
		t.Errorf("Image of a list = %q, %q, %v", found, config, err)
	}
	if _, _, err := r.Image(t.Context(), uri, "b"); !errors.Is(err, ecr.ErrNoImage) {
		t.Errorf("error = %v, want %v", err, ecr.ErrNoImage)
	}
	if _, _, err := r.Image(t.Context(), "gone", "a"); !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("error = %v, want %v", err, ecr.ErrNoRepository)
	}
}

func TestAManifestIsReadByItsDigest(t *testing.T) {
	r, _ := open(t)
	_, err := r.Manifest(t.Context(), "shop", nowhere)
	if !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("error = %v, want %v", err, ecr.ErrNoRepository)
	}
	uri := repository(t, r)
	_, err = r.Manifest(t.Context(), uri, push(t, r, uri, "a"))
	must.Succeed(t, err)
	if _, err := r.Manifest(t.Context(), "shop", nowhere); !errors.Is(err, ecr.ErrNoImage) {
		t.Errorf("error = %v, want %v", err, ecr.ErrNoImage)
	}
}

func TestTagMovesAndRepeats(t *testing.T) {
	r, _ := open(t)
	uri := repository(t, r)
	a, b := push(t, r, uri, "a"), push(t, r, uri, "b")
	for _, digest := range []string{a, a, b} {
		must.Succeed(t, tagger(r).Tag(t.Context(), "shop", digest, "live"))
		if got := tags(t, r, "shop")["live"]; got != digest {
			t.Errorf("live is on %s, want %s", got, digest)
		}
	}
	if want := map[string]string{"a": a, "b": b, "live": b}; !maps.Equal(tags(t, r, uri), want) {
		t.Errorf("tags = %v, want %v", tags(t, r, uri), want)
	}
}

func TestTagDoesNotMoveWhereTagsAreImmutable(t *testing.T) {
	r, client := open(t)
	uri := repository(t, r)
	a, b := push(t, r, uri, "a"), push(t, r, uri, "b")
	_, err := client.PutImageTagMutability(t.Context(), &awsecr.PutImageTagMutabilityInput{
		RepositoryName: aws.String("shop"), ImageTagMutability: types.ImageTagMutabilityImmutable,
	})
	must.Succeed(t, err)
	if err := tagger(r).Tag(t.Context(), uri, a, "a"); err != nil {
		t.Errorf("the tag that the image has already: %v", err)
	}
	if err := tagger(r).Tag(t.Context(), uri, b, "a"); !errors.Is(err, ecr.ErrTagTaken) {
		t.Errorf("error = %v, want %v", err, ecr.ErrTagTaken)
	}
}

// AWS documents two refusals that fit an image which has the tag already, and not which
// of them comes where tags are immutable.
func TestAnExistingTagIsSuccessWhateverAWSReturns(t *testing.T) {
	r, client := open(t)
	uri := repository(t, r)
	a, b := push(t, r, uri, "a"), push(t, r, uri, "b")
	options := client.Options()
	options.HTTPClient = refusing{"PutImage", "ImageTagAlreadyExistsException"}
	strict := ecr.New(awsecr.New(options))
	must.Succeed(t, tagger(strict).Tag(t.Context(), uri, a, "a"))
	if err := tagger(strict).Tag(t.Context(), uri, b, "a"); !errors.Is(err, ecr.ErrTagTaken) {
		t.Errorf("error = %v, want %v", err, ecr.ErrTagTaken)
	}
}

func TestTagOfAMissingImage(t *testing.T) {
	r, _ := open(t)
	if err := tagger(r).Tag(t.Context(), "shop", nowhere, "live"); !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("error = %v, want %v", err, ecr.ErrNoRepository)
	}
	repository(t, r)
	err := tagger(r).Tag(t.Context(), "shop", nowhere, "live")
	if want := fmt.Sprintf(`tag image %s of repository "shop" as "live": %v`, nowhere, ecr.ErrNoImage); !errors.Is(err, ecr.ErrNoImage) || err.Error() != want {
		t.Errorf("error = %v, want %s", err, want)
	}
}

func TestTagsOfManyPages(t *testing.T) {
	r, _ := open(t)
	uri := repository(t, r)
	if got := tags(t, r, uri); len(got) != 0 {
		t.Errorf("tags of an empty repository = %v", got)
	}
	digest := push(t, r, uri, "t-000")
	want := map[string]string{"t-000": digest}
	for i := 1; i < 120; i++ { // a page has 100
		tag := fmt.Sprintf("t-%03d", i)
		want[tag] = digest
		must.Succeed(t, tagger(r).Tag(t.Context(), uri, digest, tag))
	}
	if got := tags(t, r, uri); !maps.Equal(got, want) {
		t.Errorf("%d tags, want %d", len(got), len(want))
	}
	gone := append([]string{"never-there"}, slices.Sorted(maps.Keys(want))[:110]...)
	removed, err := tagger(r).Untag(t.Context(), uri, gone)
	if err != nil || !slices.Equal(removed, gone[1:]) {
		t.Errorf("Untag removed %d of %d tags: %v", len(removed), len(gone)-1, err)
	}
	if got := tags(t, r, uri); len(got) != 10 {
		t.Errorf("%d tags are left, want 10", len(got))
	}
}

func TestUntagReportsWhatFailedAndRemovesTheRest(t *testing.T) {
	r, _ := open(t)
	uri := repository(t, r)
	push(t, r, uri, "a")
	push(t, r, uri, "b")
	pushList(t, r, uri, "list", push(t, r, uri, "listed"))
	removed, err := tagger(r).Untag(t.Context(), uri, []string{"a", "listed", "gone", "b"})
	if !slices.Equal(removed, []string{"a", "b"}) {
		t.Errorf("removed = %q", removed)
	}
	if err == nil || !strings.Contains(err.Error(), "listed: ") || !strings.Contains(err.Error(), "ImageReferencedByManifestList") || strings.Contains(err.Error(), "gone") {
		t.Errorf("error = %v", err)
	}
	if removed, err := tagger(r).Untag(t.Context(), uri, nil); len(removed) != 0 || err != nil {
		t.Errorf("Untag of nothing = %q, %v", removed, err)
	}
}

func TestErrorsReportAMissingRepository(t *testing.T) {
	r, _ := open(t)
	if _, err := r.Tags(t.Context(), "gone"); !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("Tags: %v", err)
	}
	if _, err := tagger(r).Untag(t.Context(), "gone", []string{"a"}); !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("Untag: %v", err)
	}
}

func TestACancelledCallIsCancelled(t *testing.T) {
	r, _ := open(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Token(ctx, "shop"); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
}

func TestEveryMethodOfATaggerIsGuarded(t *testing.T) {
	r, _ := open(t)
	uri := repository(t, r)
	image, refused := push(t, r, uri, "a"), errors.New("refused")
	guarded := r.Changing(func(context.Context) error { return refused })
	calls := map[string]func() error{
		"Tag": func() error { return guarded.Tag(t.Context(), uri, image, "b") },
		"TagManifest": func() error {
			m, err := r.Manifest(t.Context(), uri, image)
			return errors.Join(err, guarded.TagManifest(t.Context(), uri, m, "b"))
		},
		"Untag": func() error { _, err := guarded.Untag(t.Context(), uri, []string{"a"}); return err },
	}
	for m := range reflect.TypeOf(guarded).Methods() {
		if call := calls[m.Name]; call == nil || !errors.Is(call(), refused) {
			t.Errorf("%s is not called here, or is not refused", m.Name)
		}
	}
	if want := map[string]string{"a": image}; !maps.Equal(tags(t, r, uri), want) {
		t.Errorf("tags = %v, want %v", tags(t, r, uri), want)
	}
}
