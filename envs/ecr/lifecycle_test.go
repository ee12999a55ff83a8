package ecr_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"

	"beansprout/envs/ecr"
	"beansprout/test/must"
)

const day = 24 * time.Hour

// TestLiveImagesStayAndOthersExpire has an environment's image and an orphan's, both
// with the tags of a build, grow older by the cloud's clock.
func TestLiveImagesStayAndOthersExpire(t *testing.T) {
	cloud, client := cloudAndClient(t)
	r := ecr.New(client)
	uri := repository(t, r)
	if changed, err := r.Expire(t.Context(), uri, day); !changed || err != nil {
		t.Fatalf("changed %v, %v", changed, err)
	}
	lives := push(t, r, uri, "ctx-lives")
	must.Succeed(t, tagger(r).Tag(t.Context(), uri, lives, "live-shop-x-web-0123456789ab"))
	for _, tag := range []string{"ctx-orphan", "id-orphan", "v1"} {
		push(t, r, uri, tag)
	}
	find := func(tag string) string {
		t.Helper()
		digest, _, err := r.Image(t.Context(), uri, tag)
		if err != nil && !errors.Is(err, ecr.ErrNoImage) {
			t.Fatal(err)
		}
		return digest
	}
	cloud.Advance(day - time.Hour)
	for _, tag := range []string{"ctx-lives", "ctx-orphan", "id-orphan", "v1"} {
		if find(tag) == "" {
			t.Errorf("%s went before its time", tag)
		}
	}
	cloud.Advance(2 * time.Hour)
	if find("ctx-lives") != lives || find("v1") == "" {
		t.Error("what an environment lives on is gone, or what others pushed")
	}
	if find("ctx-orphan") != "" || find("id-orphan") != "" {
		t.Error("what nothing lives on is still there")
	}
	_, err := tagger(r).Untag(t.Context(), uri, []string{"live-shop-x-web-0123456789ab"})
	must.Succeed(t, err)
	if find("ctx-lives") != "" {
		t.Error("what an environment lived on stays after it")
	}
}

func TestThePolicyIsWrittenOnlyWhenItChanges(t *testing.T) {
	r, client := open(t)
	uri := repository(t, r)
	theirs := `{"rules":[{"rulePriority":5,"description":"all <things> & more","selection":{"tagStatus":"any","countType":"imageCountMoreThan","countNumber":100},"action":{"type":"expire"}}]}`
	_, err := client.PutLifecyclePolicy(t.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: aws.String("shop"), LifecyclePolicyText: &theirs})
	must.Succeed(t, err)
	for i, want := range []struct {
		after   time.Duration
		changed bool
		rules   int
	}{{day, true, 4}, {day, false, 4}, {36 * time.Hour, true, 4}, {2 * day, false, 4}, {0, true, 2}, {0, false, 2}} {
		changed, err := r.Expire(t.Context(), uri, want.after)
		if changed != want.changed || err != nil {
			t.Errorf("%d: changed %v, %v, want %v", i, changed, err, want.changed)
		}
		text := policy(t, client)
		if got := strings.Count(text, "rulePriority"); got != want.rules || !strings.Contains(text, `all \u003cthings\u003e \u0026 more`) {
			t.Errorf("%d: %s, want %d rules, theirs among them", i, text, want.rules)
		}
	}
}

func TestARepositoryWithoutRulesHasNoPolicy(t *testing.T) {
	r, client := open(t)
	uri := repository(t, r)
	for _, after := range []time.Duration{0, day, 0} {
		_, err := r.Expire(t.Context(), uri, after)
		must.Succeed(t, err)
		if got := policy(t, client); (got == "") != (after == 0) {
			t.Errorf("after %s the policy is %q", after, got)
		}
	}
}

func TestAPolicyThatIsNotUnderstoodIsNotChanged(t *testing.T) {
	r, client := open(t)
	repository(t, r)
	options := client.Options()
	options.HTTPClient = answering{"GetLifecyclePolicy", `{"lifecyclePolicyText":"{\"version\":2}"}`}
	changed, err := ecr.New(awsecr.New(options)).Expire(t.Context(), "shop", day)
	if changed || !errors.Is(err, ecr.ErrPolicy) {
		t.Errorf("changed %v, %v, want %v", changed, err, ecr.ErrPolicy)
	}
	if got := policy(t, client); got != "" {
		t.Errorf("the policy was written: %s", got)
	}
}

func TestExpireOfAMissingRepository(t *testing.T) {
	r, _ := open(t)
	if _, err := r.Expire(t.Context(), "gone", day); !errors.Is(err, ecr.ErrNoRepository) {
		t.Errorf("error = %v", err)
	}
}

// policy returns the text of the repository's policy, "" where it has none.
func policy(t *testing.T, client *awsecr.Client) string {
	t.Helper()
	out, err := client.GetLifecyclePolicy(t.Context(), &awsecr.GetLifecyclePolicyInput{RepositoryName: aws.String("shop")})
	if err != nil && strings.Contains(err.Error(), "LifecyclePolicyNotFoundException") {
		return ""
	}
	must.Succeed(t, err)
	return aws.ToString(out.LifecyclePolicyText)
}
