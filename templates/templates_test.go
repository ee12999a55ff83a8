package templates_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"beansprout/cmd/beansprout/config"
	"beansprout/dockerrun"
	"beansprout/templates"
)

func TestTheTemplateFitsTheConfiguration(t *testing.T) {
	c := load(t, templates.Config())
	template, err := dockerrun.Parse(c.Dockerrun.Template, []byte(templates.Dockerrun()))
	if err != nil {
		t.Fatal(err)
	}
	var images []string
	for _, image := range c.Build {
		images = append(images, image.Name)
	}
	if err := template.Check(images, c.Dockerrun.Values, nil); err != nil {
		t.Error(err)
	}
}

// TestEveryCommentedKeyIsUnderstood takes away the "# " before each key that is commented out.
func TestEveryCommentedKeyIsUnderstood(t *testing.T) {
	instead := regexp.MustCompile(`(?m)^ *# (saved_configuration|copy_from|shared_load_balancer|artifact|prepare):.*$`)
	c := load(t, uncommented(instead.ReplaceAllString(templates.Config(), "")))
	if c.Slack.Channel != "#qa" || c.Environment.Variables["RAILS_ENV"] != "staging" || len(c.Build[0].Secrets) != 1 {
		t.Errorf("got %+v", c)
	}
}

// TestWhatStandsInsteadOfOtherKeysIsUnderstood takes those others away.
func TestWhatStandsInsteadOfOtherKeysIsUnderstood(t *testing.T) {
	others := regexp.MustCompile(`(?m)^(build|dockerrun):.*\n(( .*)?\n)*|^ +(# saved_configuration|platform|options|"aws:.*):.*\n`)
	c := load(t, uncommented(others.ReplaceAllString(templates.Config(), "")))
	if c.Artifact == "" || c.Prepare == "" || c.Environment.CopyFrom == "" || c.Environment.SharedLoadBalancer == "" {
		t.Errorf("got %+v", c)
	}
}

func uncommented(text string) string {
	return regexp.MustCompile(`(?m)^( *)# ([a-z_]+:)`).ReplaceAllString(text, "$1$2")
}

func load(t *testing.T, text string) *config.Config {
	t.Helper()
	file := filepath.Join(t.TempDir(), config.Name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTheExampleIsUnderstood(t *testing.T) {
	c, err := config.Load("../examples/hello/beansprout.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Build) != 2 || c.Build[0].Prepare == "" || c.Build[0].Prepare != c.Build[1].Prepare {
		t.Errorf("got %+v, want two images that share one prepare", c.Build)
	}
}

func TestTheStageLeavesBranchNamesToTheEnvironment(t *testing.T) {
	code := regexp.MustCompile(`(?m)//.*$`).ReplaceAllString(templates.JenkinsStage(), "")
	if strings.ContainsAny(code, "\"$") {
		t.Errorf("a string of Groovy's that interpolates: %s", code)
	}
	if !strings.Contains(code, "beansprout up") || strings.Count(code, "{") != strings.Count(code, "}") {
		t.Errorf("no stage: %s", code)
	}
}

type statement struct {
	Sid, Effect string
	Action      list
	Resource    list
	Condition   map[string]map[string]any
}

// list is a string or a list of strings, as IAM has it.
type list []string

func (l *list) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

func policy(t *testing.T) []statement {
	t.Helper()
	var p struct {
		Version   string
		Statement []statement
	}
	if err := json.Unmarshal([]byte(templates.IAMPolicy()), &p); err != nil {
		t.Fatal(err)
	}
	if p.Version != "2012-10-17" || len(p.Statement) == 0 {
		t.Fatalf("got version %q with %d statements", p.Version, len(p.Statement))
	}
	return p.Statement
}

func TestThePolicyChangesOnlyEnvironmentsWithOurTag(t *testing.T) {
	changes := map[string]string{
		"elasticbeanstalk:CreateEnvironment":    "aws:RequestTag/beansprout:feature",
		"elasticbeanstalk:UpdateEnvironment":    "aws:ResourceTag/beansprout:feature",
		"elasticbeanstalk:RebuildEnvironment":   "aws:ResourceTag/beansprout:feature",
		"elasticbeanstalk:TerminateEnvironment": "aws:ResourceTag/beansprout:feature",
	}
	seen := 0
	for _, s := range policy(t) {
		for _, action := range s.Action {
			if s.Effect != "Allow" || strings.Contains(action, "*") {
				t.Errorf("%s: %s %s", s.Sid, s.Effect, action)
			}
			tag, ok := changes[action]
			if !ok {
				continue
			}
			seen++
			if s.Condition["Null"][tag] != "false" {
				t.Errorf("%s allows %s without %s", s.Sid, action, tag)
			}
		}
	}
	if seen != len(changes) {
		t.Errorf("got %d of %d actions", seen, len(changes))
	}
}

// TestThePolicyAllowsTheCallsThatAreMade compares it with the calls in the source of the doors.
func TestThePolicyAllowsTheCallsThatAreMade(t *testing.T) {
	var allowed []string
	for _, s := range policy(t) {
		allowed = append(allowed, s.Action...)
	}
	others := []string{ // which no door calls by this name
		"elasticbeanstalk:AddTags",                                                                                     // tags at creation
		"ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", // docker push
	}
	for service, door := range map[string]string{"elasticbeanstalk": "../envs/beanstalk", "ecr": "../builder/ecr"} {
		made := calls(t, door)
		for _, call := range made {
			if !slices.Contains(allowed, service+":"+call) {
				t.Errorf("%s calls %s, which the policy doesn't allow", door, call)
			}
		}
		for _, action := range allowed {
			call, ok := strings.CutPrefix(action, service+":")
			if ok && !slices.Contains(made, call) && !slices.Contains(others, action) {
				t.Errorf("the policy allows %s, which %s doesn't call", action, door)
			}
		}
	}
}

// calls returns the operations that a door's source names.
func calls(t *testing.T, door string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(door, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source in %s: %v", door, err)
	}
	var found []string
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`\.api\.([A-Z]\w+)\(|\.New(\w+)Paginator\(`).FindAllStringSubmatch(string(text), -1) {
			found = append(found, m[1]+m[2])
		}
	}
	return found
}
