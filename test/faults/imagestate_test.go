package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsecr "github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"beansprout/localcloud"
	"beansprout/test/lab"
	"beansprout/test/must"
)

// imagesLab is a lab with an ECR client beside the program's.
type imagesLab struct {
	*lab.Lab
	api *awsecr.Client
}

// imageState is what status --json says of one image.
type imageState struct{ Tag, State, Reason string }

func newImagesLab(t *testing.T) imagesLab {
	t.Helper()
	lab.NeedEngine(t)
	l := lab.New(t, localcloud.Config{})
	return imagesLab{l, awsecr.NewFromConfig(l.Config())}
}

// others sets the repository's lifecycle policy.
func (l imagesLab) others(rules ...string) {
	l.Helper()
	text := `{"rules":[` + strings.Join(rules, ",") + `]}`
	_, err := l.api.PutLifecyclePolicy(l.Context(), &awsecr.PutLifecyclePolicyInput{RepositoryName: aws.String(lab.Application), LifecyclePolicyText: &text})
	must.Succeed(l, err)
}

func releases(n int) (rules []string) {
	for i := range n {
		rules = append(rules, fmt.Sprintf(`{"rulePriority":%d,"selection":{"tagStatus":"tagged","tagPrefixList":["v%d"],"countType":"imageCountMoreThan","countNumber":9},"action":{"type":"expire"}}`, i+1, i))
	}
	return rules
}

func anyRule(priority int) string {
	return fmt.Sprintf(`{"rulePriority":%d,"description":"all old ones","selection":{"tagStatus":"any","countType":"sinceImagePushed","countUnit":"days","countNumber":1},"action":{"type":"expire"}}`, priority)
}

// states returns what status says about login's images, by --json and in its table.
func (l imagesLab) states() (states []imageState, table string) {
	l.Helper()
	var v struct{ Images []imageState }
	must.Succeed(l, json.Unmarshal([]byte(l.Must("status", "login", "--json").Stdout), &v))
	return v.Images, l.Must("status", "login").Stdout
}

// wantState checks what status and sweep say about login's only image.
func (l imagesLab) wantState(when, state, reason string) {
	l.Helper()
	states, table := l.states()
	if len(states) != 1 || states[0].State != state || !strings.Contains(states[0].Reason, reason) {
		l.Errorf("%s: status says %+v, want %s: %s", when, states, state, reason)
	}
	if strings.Contains(table, "warning") != (state != "kept") || !strings.Contains(table, reason) {
		l.Errorf("%s: status says %s", when, table)
	}
	report := l.Must("sweep").Stdout
	if strings.Contains(report, "image live-") != (state != "kept") || !strings.Contains(report, reason) {
		l.Errorf("%s: sweep says %s", when, report)
	}
}

func TestAnImageThatCanExpireIsTold(t *testing.T) {
	l := newImagesLab(t)
	l.Must(l.Up()...)
	l.wantState("after up", "kept", "")
	l.others(anyRule(1))
	l.wantState("with others' rule alone", "unshielded", `rule 1 ("all old ones") of the lifecycle policy of repository hello can expire it`)
	_, err := l.api.DeleteLifecyclePolicy(t.Context(), &awsecr.DeleteLifecyclePolicyInput{RepositoryName: aws.String(lab.Application)})
	must.Succeed(t, err)
	l.wantState("without a policy", "kept", "")
	listed, err := l.api.ListImages(t.Context(), &awsecr.ListImagesInput{RepositoryName: aws.String(lab.Application)})
	must.Succeed(t, err)
	var live, all []types.ImageIdentifier
	for _, id := range listed.ImageIds {
		if all = append(all, types.ImageIdentifier{ImageTag: id.ImageTag}); strings.HasPrefix(*id.ImageTag, "live-") {
			live = append(live, all[len(all)-1])
		}
	}
	l.remove(live)
	l.wantState("without its live tag", "unshielded", "it has lost its live tag")
	l.remove(all)
	l.wantState("without the image", "gone", "up builds it again")
	_, err = l.api.DeleteRepository(t.Context(), &awsecr.DeleteRepositoryInput{RepositoryName: aws.String(lab.Application), Force: true})
	must.Succeed(t, err)
	l.wantState("without a repository", "gone", "up builds it again")
}

func (l imagesLab) remove(images []types.ImageIdentifier) {
	l.Helper()
	_, err := l.api.BatchDeleteImage(l.Context(), &awsecr.BatchDeleteImageInput{RepositoryName: aws.String(lab.Application), ImageIds: images})
	must.Succeed(l, err)
}

func TestTheRunSaysWhichImagesCanGo(t *testing.T) {
	l := newImagesLab(t)
	l.Must(l.Up()...)
	page := 0
	run := func(rules ...string) string {
		t.Helper()
		l.others(rules...)
		page++
		l.Edit("web/page", "one", fmt.Sprint("page ", page))
		return l.Must(l.Up()...).Stderr
	}
	for _, tt := range []struct {
		name  string
		rules []string
		want  string
		state string
	}{
		{"room for the shield", append(releases(48), anyRule(49)), "no room for all rules of beansprout: 2 of them do not fit: what environments live on stays there", "kept"},
		{"no room", append(releases(49), anyRule(50)), `rule 50 ("all old ones") of others can expire images that environments live on, of this one: web`, "unshielded"},
		{"no room and no need", releases(50), "what environments live on stays there", "kept"},
		{"room for all", append(releases(3), anyRule(4)), "now expires images 1d after", "kept"},
	} {
		if said := run(tt.rules...); !strings.Contains(said, tt.want) {
			t.Errorf("%s: up says %s", tt.name, said)
		}
		if states, _ := l.states(); len(states) != 1 || states[0].State != tt.state {
			t.Errorf("%s: status says %+v, want %s", tt.name, states, tt.state)
		}
	}
	l.refuse("PutLifecyclePolicy")
	if said := run(anyRule(1)); !strings.Contains(said, "AccessDeniedException") || !strings.Contains(said, `rule 1 ("all old ones") of others can expire`) {
		t.Errorf("without the right to set a policy: %s", said)
	}
	l.refuse("GetLifecyclePolicy")
	if said := run(anyRule(1)); !strings.Contains(said, "whether a rule of others expires images that environments live on isn't known") {
		t.Errorf("without the right to read the policy: %s", said)
	}
	l.wantState("without the right to read the policy", "unknown", "AccessDeniedException")
	l.refuse("ListImages")
	if states, _ := l.states(); len(states) != 1 || states[0].State != "unknown" {
		t.Errorf("without the right to list images: %+v", states)
	}
	if r := l.Must("sweep"); !strings.Contains(r.Stderr, "it isn't known whether the images of living environments are there") {
		t.Errorf("without the right to list images: %v", r)
	}
}

// refuse has the binary lack the right to one of ECR's operations.
func (l imagesLab) refuse(operation string) {
	l.Helper()
	cloud, err := url.Parse(l.Cloud.Endpoint())
	must.Succeed(l, err)
	proxy := httputil.NewSingleHostReverseProxy(cloud)
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.Header.Get("X-Amz-Target"), "."+operation) {
			proxy.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/x-amz-json-1.1")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"__type":"AccessDeniedException","message":"User is not authorized to perform: ecr:%s"}`, operation)
	}))
	l.Cleanup(door.Close)
	l.Env["BEANSPROUT_LOCAL_DIR"] = l.Home
	l.Through(door.URL)
}

func TestAnArtifactAsksTheRegistryNothing(t *testing.T) {
	l := lab.NewArtifact(t)
	l.Must(l.Up()...)
	l.Must("status", "login")
	l.Must("sweep")
	for _, call := range l.Cloud.Calls() {
		if call.Service == "ecr" {
			t.Errorf("ECR was asked: %+v", call)
		}
	}
}
